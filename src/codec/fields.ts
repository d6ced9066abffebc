/** Reading an array whose fields say how many follow them; and whole numbers of either sign. */

/** Goes through the fields of an array. What is missing is undefined, which is of no type that anybody wants. */
export class Fields {
  readonly #fields: readonly unknown[];
  #at: number;

  constructor(fields: readonly unknown[], at: number) {
    this.#fields = fields;
    this.#at = at;
  }

  next(): unknown {
    return this.#fields[this.#at++];
  }

  /** The next so many, as an array of their own. */
  take(count: number): readonly unknown[] {
    const taken = this.#fields.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  peek(): unknown {
    return this.#fields[this.#at];
  }

  get isAtEnd(): boolean {
    return this.#at === this.#fields.length;
  }
}

/** A whole number of either sign, exact up to 2^53 - 1. */
export const signedFields = (value: number): readonly [sign: number, amount: number] =>
  value < 0 ? [1, -value] : [0, value];

export function readSigned(sign: unknown, amount: unknown): number | null {
  if (typeof amount !== "number" || !Number.isSafeInteger(amount)) return null;
  if (amount < 0 || Object.is(amount, -0)) return null;
  if (sign === 0) return amount;
  return sign === 1 && amount > 0 ? -amount : null;
}
