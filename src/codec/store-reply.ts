/**
 * What counting and transactions answered, as bytes: REPLY of reply.ts, the codes from 12.
 *
 *   12, index, sign, amount          counted; sign: 0 not below zero, 1 below
 *   13, because, revision            count-refused; because: 0 not an integer, 1 out of range
 *   14, index, branch, then REPLYs   transacted; branch: 0 then, 1 else
 *   16, index                        view-lost
 *   15, because, step                txn-refused; because: as above, or 2 the answer is too large
 */

import { limits, type Reply, type StepReply } from "../kv/command.ts";
import { countRefusals } from "../kv/counting.ts";
import { Fields, readSigned, signedFields } from "./fields.ts";
import { choiceOf, type Field, headBytesMax, isCount } from "./messagepack.ts";

export type StoreReply = Extract<
  Reply,
  { kind: "counted" | "count-refused" | "transacted" | "txn-refused" | "view-lost" }
>;

export const storeReplyCodes = {
  counted: 12,
  countRefused: 13,
  transacted: 14,
  txnRefused: 15,
  viewLost: 16,
} as const;

const branches = ["then", "else"] as const;
const txnRefusals = [...countRefusals, "answer-too-large"] as const;

export function storeReplyBytesMax(reply: StoreReply): number {
  if (reply.kind !== "transacted") return 4 * headBytesMax.number;
  let bytes = 3 * headBytesMax.number;
  for (const answer of reply.answers) {
    bytes += 4 * headBytesMax.number;
    if (answer.kind === "found") bytes += headBytesMax.binary + answer.value.length;
  }
  return bytes;
}

export function storeReplyFields(
  reply: StoreReply,
  fieldsOf: (reply: Reply) => readonly Field[],
): readonly Field[] {
  switch (reply.kind) {
    case "counted":
      return [storeReplyCodes.counted, reply.index, ...signedFields(reply.value)];
    case "count-refused": {
      const because = countRefusals.indexOf(reply.because);
      return [storeReplyCodes.countRefused, because, reply.revision];
    }
    case "transacted": {
      const answers = reply.answers.flatMap(fieldsOf);
      return [storeReplyCodes.transacted, reply.index, branches.indexOf(reply.branch), ...answers];
    }
    case "view-lost":
      return [storeReplyCodes.viewLost, reply.index];
    case "txn-refused":
      return [storeReplyCodes.txnRefused, txnRefusals.indexOf(reply.because), reply.step];
  }
}

/**
 * One of these replies from position `at` to the end of an array, or null. `readReply` reads one that fills its
 * array.
 */
export function readStoreReply(
  fields: readonly unknown[],
  at: number,
  readReply: (fields: readonly unknown[], at: number) => Reply | null,
): StoreReply | null {
  const rest = new Fields(fields, at);
  const code = rest.next();
  switch (code) {
    case storeReplyCodes.counted: {
      const index = rest.next();
      const value = readSigned(rest.next(), rest.next());
      if (!isCount(index) || value === null || !rest.isAtEnd) return null;
      return { kind: "counted", index, value };
    }
    case storeReplyCodes.countRefused: {
      const because = choiceOf(countRefusals, rest.next());
      const revision = rest.next();
      if (because === null || !isCount(revision) || !rest.isAtEnd) return null;
      return { kind: "count-refused", because, revision };
    }
    case storeReplyCodes.txnRefused: {
      const because = choiceOf(txnRefusals, rest.next());
      const step = rest.next();
      if (because === null || !isCount(step) || !rest.isAtEnd) return null;
      return { kind: "txn-refused", because, step };
    }
    case storeReplyCodes.viewLost: {
      const index = rest.next();
      return isCount(index) && rest.isAtEnd ? { kind: "view-lost", index } : null;
    }
    case storeReplyCodes.transacted:
      return readTransacted(rest, readReply);
    default:
      return null;
  }
}

function readTransacted(
  rest: Fields,
  readReply: (fields: readonly unknown[], at: number) => Reply | null,
): StoreReply | null {
  const index = rest.next();
  const branch = choiceOf(branches, rest.next());
  if (!isCount(index) || branch === null) return null;
  const answers: StepReply[] = [];
  while (!rest.isAtEnd) {
    const length = answerLengths.get(rest.peek());
    const answer = length === undefined ? null : readReply(rest.take(length), 0);
    if (answer === null || !isStepReply(answer) || answers.length === limits.stepsMax) return null;
    answers.push(answer);
  }
  return { kind: "transacted", index, branch, answers };
}

/** By code: written, deleted, absent, found (reply.ts), counted. */
const answerLengths: ReadonlyMap<unknown, number> = new Map([
  [2, 2],
  [3, 2],
  [4, 1],
  [5, 3],
  [storeReplyCodes.counted, 4],
]);

const isStepReply = (reply: Reply): reply is StepReply =>
  reply.kind === "written" ||
  reply.kind === "deleted" ||
  reply.kind === "absent" ||
  reply.kind === "found" ||
  reply.kind === "counted";
