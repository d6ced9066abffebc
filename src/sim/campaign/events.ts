/** What is seen from outside, in the one notation and by name. */

import { readU16 } from "../../base/integers.ts";
import { type NodeId, nodeId } from "../../base/numbers.ts";
import { datagramLimits } from "../../codec/datagram.ts";
import { kindOfCode } from "../../codec/kinds.ts";
import { decodeMessage } from "../../codec/message.ts";
import { describeMessage } from "../../raft/describe.ts";
import { form, list, type SexpList, symbol, word } from "../../sexp/value.ts";
import type { Coverage, CoverageName } from "./coverage.ts";

export const heardForm = (me: NodeId, bytes: Uint8Array): SexpList =>
  form("hears", symbol(`n${me}`), contents(bytes));

export const saidForm = (me: NodeId, port: number, bytes: Uint8Array): SexpList =>
  form("says", symbol(`n${me}`), form("to", port), contents(bytes));

function contents(bytes: Uint8Array): SexpList {
  if (bytes.length < datagramLimits.headerBytes) return form("bytes", bytes.length);
  const kind = kindOfCode(bytes[7]!);
  const sender = readU16(bytes, 14);
  const receiver = readU16(bytes, 22);
  if (kind === null) return form("bytes", bytes.length);
  const length = readU16(bytes, 24);
  const body = bytes.subarray(datagramLimits.headerBytes, datagramLimits.headerBytes + length);
  const isPeer = sender > 0 && receiver > 0;
  const message = isPeer
    ? decodeMessage(kind, body, { from: nodeId(sender), to: nodeId(receiver) })
    : null;
  return message === null ? list(word(kind), bytes.length) : describeMessage(message);
}

/** What servers say of themselves to the operator is counted by the words they use. */
const sentences: readonly (readonly [RegExp, CoverageName])[] = [
  [/steps down: not a word from/, "quorum-lost"],
  [/steps down: its disk does not answer/, "stalled-leaders"],
  [/gives up entries/, "snapshots-over-conflict"],
  [/sends n\d+ again what it has lost/, "match-forgotten"],
  [/campaigns in term \d+: its leader asked it to take over/, "taken-over"],
];

export function noteCounts(sentence: string, coverage: Coverage): void {
  for (const [pattern, name] of sentences) if (pattern.test(sentence)) coverage.add(name);
}
