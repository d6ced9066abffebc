/** The client half's spans and limits, by name. */
import { assert } from "../base/assert.ts";
import { limits as kvLimits } from "../kv/command.ts";

export const timing = {
  /** How long an answer is waited for before anything is known about the cluster. */
  answerMsFirst: 150,
  /** And, once round trips were measured, within these bounds. */
  answerMsMin: 100,
  answerMsMax: 1_000,
  /** The wait for an answer doubles with each try, up to this. */
  againMsMax: 1_000,
  /** A large request or answer has this much longer, per KiB. */
  answerMsPerKiB: 2,
  /** While pieces of something large come, nothing is asked again, but not for longer than this. */
  piecesMsMax: 10_000,
  /** A node that is thought to be down is not asked for so long; doubles up to the second. */
  suspicionMsMin: 100,
  suspicionMsMax: 400,
  /** Nobody knows a leader: the pause before the next one is asked; doubles up to the second. */
  pauseMsMin: 20,
  pauseMsMax: 80,
  /** A busy leader is asked again after so long at first; doubles up to the second. */
  busyMsMin: 10,
  busyMsMax: 250,
  /** A refusal comes back within so long, or not at all. */
  refusalMsMax: 100,
  /**
   * Somebody refused a datagram, nobody knows who: what has no answer by then is sent elsewhere.
   */
  refusedGraceMs: 20,
  /** Deadlines and repetitions are looked at no more often than this. */
  sweepMsMin: 5,
  /** Without an answer for so long, a node is reported as silent. */
  silentMs: 100,
  /** A session that was not used for so long is not relied on any more. */
  sessionIdleMsMax: kvLimits.sessionIdleMs / 2,
} as const;

assert(
  timing.sessionIdleMsMax < kvLimits.sessionIdleMs,
  "the client gives a session up before the cluster does",
);

export const limits = {
  /** Nodes known at once: those that were given, and those that others named as the leader. */
  nodesMax: 64,
  /** Tries of one request that may still be answered; older ones stay in doubt. */
  triesOpenMax: 16,
  /** What travels in pieces to one node at once; other large requests wait for one of them to arrive. */
  transfersMax: 4,
  /** Large requests share such a whole. */
  wholeBytes: 1 << 18,
  /** Tries at a node that answers others and not this one, before another node is asked. */
  triesPatient: 3,
} as const;

/** `min` doubled `times` times, up to `max`. */
export const doubled = (range: { min: number; max: number }, times: number): number =>
  Math.min(range.max, range.min * 2 ** Math.min(times, 30));

/** How a watch keeps in touch with its node. */
export const watchTiming = {
  /** A node that has said nothing yet is asked again after so long, and given up after so long. */
  againMs: 100,
  strangeMs: 350,
  /** While nothing happens a word is asked for this often; a node that is silent for so long is given up. */
  keepAliveMs: 500,
  silentMs: 1_500,
  /** A node that is so far behind, for all it knows, for so long, is left: another may have more to tell. */
  currentMs: 1_500,
  behindMs: 2_000,
  /** Nothing new for so long: the node may be stuck in a way that it does not know, as where its clock stands still. */
  idleMs: 10_000,
} as const;

export const watchLimits = {
  /** Bytes of events that may have arrived and not been taken. */
  roomBytes: 1 << 20,
} as const;
