/**
 * The integers of the protocol. Each is a number at run time and a type of its own to the compiler,
 * so that a term cannot be passed where an index is asked for. Arithmetic goes through a named function.
 */
import { assert } from "./assert.ts";

declare const brand: unique symbol;
type Brand<Name extends string> = number & { readonly [brand]: Name };

/** Who a server is within its cluster: 1 and up. */
export type NodeId = Brand<"NodeId">;
/** Raft's logical clock: 0 before the first election. */
export type Term = Brand<"Term">;
/** A position in the log, 1-based; 0 means "before the first entry". */
export type LogIndex = Brand<"LogIndex">;
/** Milliseconds: a moment on a monotonic clock, or a span; the name of a value says which. */
export type Millis = Brand<"Millis">;

export const limits = {
  nodeIdMax: 0xffff,
  /** Terms and indexes stay exact as numbers and fit six bytes. */
  counterMax: 2 ** 48 - 1,
} as const;

const isCounter = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= limits.counterMax;

export function nodeId(n: number): NodeId {
  assert(isNodeId(n), "a node id is a whole number from 1 to 65535");
  return n as NodeId;
}

export const isNodeId = (n: unknown): n is NodeId =>
  typeof n === "number" && Number.isInteger(n) && n >= 1 && n <= limits.nodeIdMax;

export function term(n: number): Term {
  assert(isCounter(n), "a term is a whole number, 0 or more");
  return n as Term;
}

export function logIndex(n: number): LogIndex {
  assert(isCounter(n), "a log index is a whole number, 0 or more");
  return n as LogIndex;
}

/** Whether a number from outside can be a term or an index. */
export const isWireCounter = (n: unknown): n is Term & LogIndex =>
  typeof n === "number" && isCounter(n);

export function millis(n: number): Millis {
  return n as Millis;
}

export const noTerm = term(0);
export const noIndex = logIndex(0);

export const nextTerm = (t: Term): Term => term(t + 1);
export const nextIndex = (i: LogIndex): LogIndex => logIndex(i + 1);
export const previousIndex = (i: LogIndex): LogIndex => logIndex(i - 1);
export const indexAfter = (i: LogIndex, count: number): LogIndex => logIndex(i + count);
export const minIndex = (a: LogIndex, b: LogIndex): LogIndex => (a < b ? a : b);
export const maxIndex = (a: LogIndex, b: LogIndex): LogIndex => (a > b ? a : b);
/** How many entries lie in (after, upTo]. */
export const entryCount = (after: LogIndex, upTo: LogIndex): number => upTo - after;
export const later = (moment: Millis, spanMs: number): Millis => millis(moment + spanMs);
export const earliest = (a: Millis, b: Millis): Millis => (a < b ? a : b);
/** "Never": a deadline that no clock reaches. */
export const never = millis(Number.POSITIVE_INFINITY);
