/**
 * The operator's problem, as opposed to broken code (assert) and bad bytes from outside (null):
 * what happened, why, how to mend it, and which exit code says so (docs/cli.md).
 */

export const exits = {
  done: 0,
  no: 1,
  usage: 2,
  unreachable: 3,
  notApplied: 4,
  unknown: 5,
  damaged: 6,
  local: 7,
  bug: 70,
  /** What a command ran under was lost, and it was ended. */
  lost: 124,
  /** A command that was to be run could not be; there is none of that name. As shells have it. */
  notExecutable: 126,
  noCommand: 127,
} as const;

export type Exit = (typeof exits)[keyof typeof exits];

/** What is known about the effect of the request that failed. */
export type Applied = "yes" | "no" | "unknown";

export type OperatorErrorParts = {
  /** A short stable name: `no-quorum`, `port-taken`. */
  readonly code: string;
  readonly what: string;
  readonly why: string;
  /** Commands or actions, the best first. At least one. */
  readonly fix: readonly string[];
  readonly exit: Exit;
  /** What this means for the request, in a few words: "nothing was written, a retry is safe". */
  readonly meaning?: string;
  readonly applied?: Applied;
  /** Under which name a retry happens once, where the outcome is unknown. */
  readonly requestId?: string;
};

export class OperatorError extends Error {
  override readonly name = "OperatorError";
  readonly parts: OperatorErrorParts;

  constructor(parts: OperatorErrorParts) {
    super(`${parts.what} (${parts.why})`);
    this.parts = parts;
  }
}
