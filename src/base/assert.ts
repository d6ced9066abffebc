/**
 * Assertions for broken code. They stay on in production: a server that has seen the impossible
 * must stop before it says something untrue to the others.
 */

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** One fact per call. The message is the sentence that was expected to be true. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AssertionError(sentence);
}

/** Ends a switch over a union: a new member of the union fails to compile here. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}

/** The value, which the caller knows to be there. */
export function must<T>(value: T | null | undefined, sentence: string): T {
  if (value === null || value === undefined) throw new AssertionError(sentence);
  return value;
}
