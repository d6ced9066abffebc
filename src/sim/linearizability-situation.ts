/**
 * Where a search stands between two returns: the state, and what was done about each open operation.
 *
 * An open operation is in one of three cases. It is *owed*: it must still find its place before it returns. It is
 * *used*: it was placed where it changed the state. Or it is *free*: there was a place where it would have changed
 * nothing, so it may be taken as placed there, or be used later after all. Free is better than the other two, and
 * that gives situations of one state an order: what `covers` another can do whatever the other can, so the other
 * need not be tried.
 *
 * Operations that never return are free from their call on, and are counted by name in `spent`.
 */

export type Situation = {
  readonly state: number;
  /** A bit per seat. Seats that are not taken are 0 in both. */
  readonly free: Int32Array;
  readonly used: Int32Array;
  /** By endless number. */
  readonly spent: Uint16Array;
};

export const wordsFor = (seats: number): number => (seats + 31) >> 5;

export const has = (bits: Int32Array, seat: number): boolean =>
  (bits[seat >> 5]! & (1 << (seat & 31))) !== 0;

export function set(bits: Int32Array, seat: number): void {
  bits[seat >> 5]! |= 1 << (seat & 31);
}

export function unset(bits: Int32Array, seat: number): void {
  bits[seat >> 5]! &= ~(1 << (seat & 31));
}

/** Whether everything that can follow `worse` can follow `better`. Both are of one state, at one return. */
export function covers(better: Situation, worse: Situation): boolean {
  const { free, used, spent } = better;
  for (let word = 0; word < free.length; word++) {
    const freed = free[word]!;
    if ((worse.free[word]! & ~freed) !== 0) return false;
    if (((used[word]! ^ worse.used[word]!) & ~freed) !== 0) return false;
  }
  if (spent === worse.spent) return true;
  // Those that were called last are the most likely to differ.
  for (let endless = spent.length - 1; endless >= 0; endless--) {
    if (spent[endless]! > worse.spent[endless]!) return false;
  }
  return true;
}

/** The least that covers both, of one state at one return. It may be more than any search could reach. */
export function merged(one: Situation, other: Situation): Situation {
  const free = one.free.map((word, at) => {
    const differ = one.used[at]! ^ other.used[at]!;
    return word | other.free[at]! | differ;
  });
  const used = one.used.map((word, at) => word & ~free[at]!);
  const spent =
    one.spent === other.spent
      ? one.spent
      : one.spent.map((count, at) => Math.min(count, other.spent[at]!));
  return { state: one.state, free, used, spent };
}

/** How many open operations two situations of one state treat differently. */
export function distance(one: Situation, other: Situation): number {
  let count = 0;
  for (let word = 0; word < one.free.length; word++) {
    const differ = (one.free[word]! ^ other.free[word]!) | (one.used[word]! ^ other.used[word]!);
    count += bitCount(differ);
  }
  return count;
}

function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Equal situations have equal numbers. */
export function hashOf({ state, free, used, spent }: Situation): number {
  let hash = Math.imul(state + 1, 0x9e3779b1);
  for (let word = 0; word < free.length; word++) {
    hash = mix(hash, free[word]!);
    hash = mix(hash, used[word]!);
  }
  for (let endless = 0; endless < spent.length; endless++) hash = mix(hash, spent[endless]!);
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

export function equal(one: Situation, other: Situation): boolean {
  if (one.state !== other.state) return false;
  for (let word = 0; word < one.free.length; word++) {
    if (one.free[word] !== other.free[word] || one.used[word] !== other.used[word]) return false;
  }
  return one.spent === other.spent || one.spent.every((count, at) => count === other.spent[at]);
}
