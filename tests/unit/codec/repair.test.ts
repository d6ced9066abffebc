/** What servers say while one repairs its journal: what is written is read back, what is not exactly so is nothing. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, noIndex, term } from "../../../src/base/numbers.ts";
import { type Field, packFields } from "../../../src/codec/messagepack.ts";
import {
  decodeRepairRequest,
  decodeRepairResponse,
  encodeRepairRequest,
  encodeRepairResponse,
  type RepairAnswer,
  type RepairRequest,
} from "../../../src/codec/repair.ts";
import type { Entry } from "../../../src/raft/types.ts";

const name = { last: { index: logIndex(40), term: term(2) }, bytes: 1000, checksum: 7 };

const entriesFrom = (index: number, terms: readonly number[]): readonly Entry[] =>
  terms.map((its, at) => ({
    ...{ index: logIndex(index + at), term: term(its), time: millis(5) },
    ...{ kind: "command", body: utf8(`${at}`) },
  }));

const questions: readonly RepairRequest[] = [
  {
    ...{ kind: "entries", round: 0, to: logIndex(4) },
    previous: { index: noIndex, term: term(0) },
    anchors: [{ from: logIndex(5), to: logIndex(9), term: term(1) }],
  },
  {
    ...{ kind: "entries", round: 2 ** 40, to: logIndex(9) },
    previous: { index: logIndex(7), term: null },
    anchors: Array.from({ length: 9 }, (_, at) => {
      return { from: logIndex(9 + at), to: logIndex(9 + at), term: term(1 + at) };
    }),
  },
  { kind: "piece", round: 1, snapshot: name, offset: 999 },
];

const answers: readonly RepairAnswer[] = [
  { kind: "none", because: "behind" },
  { kind: "none", because: "damaged" },
  { kind: "none", because: "compacted" },
  { kind: "none", because: "other-snapshot" },
  { kind: "entries", entries: entriesFrom(3, [1, 1, 2]) },
  { kind: "refuted", truth: { index: logIndex(4), term: term(3) } },
  { kind: "parted" },
  { kind: "piece", offset: 990, piece: utf8("ten bytes!") },
];

test("questions and answers are read back as they were written", () => {
  for (const question of questions) {
    expect(decodeRepairRequest(encodeRepairRequest(question))).toEqual(question);
  }
  for (const answer of answers) {
    const response = { round: 5, offered: name, answer };
    expect(decodeRepairResponse(encodeRepairResponse(response))).toEqual(response);
  }
  const without = { round: 5, offered: null, answer: answers[0]! };
  expect(decodeRepairResponse(encodeRepairResponse(without))).toEqual(without);
});

describe("nothing is", () => {
  const badRequests: Readonly<Record<string, readonly Field[]>> = {
    "a question without a run": [0, 1, 0, 0, 4],
    "half a run": [0, 1, 0, 0, 4, 5, 9],
    "a run that goes back": [0, 1, 0, 0, 4, 9, 5, 1],
    "a run before what is asked for": [0, 1, 0, 0, 4, 3, 9, 1],
    "runs that overlap": [0, 1, 0, 0, 4, 5, 9, 1, 9, 12, 1],
    "a run of term 0": [0, 1, 0, 0, 4, 5, 9, 0],
    "ten runs": [
      0,
      1,
      0,
      0,
      0,
      ...Array.from({ length: 10 }, (_, at) => [at + 1, at + 1, 1]).flat(),
    ],
    "a question that ends before it begins": [0, 1, 7, 1, 4, 9, 9, 1],
    "a piece behind the end": [1, 1, 40, 2, 1000, 7, 1000],
    "a third kind": [2, 1, 40, 2, 1000, 7, 0],
  };
  for (const [what, fields] of Object.entries(badRequests)) {
    test(what, () => expect(decodeRepairRequest(packFields(fields))).toBe(null));
  }
  const head = [40, 2, 1000, 7];
  const badResponses: Readonly<Record<string, readonly Field[]>> = {
    "half a name": [0, 1, 40, 0, 0, 0, 0],
    "an unknown reason": [0, 1, ...head, 4],
    "no entries": [1, 1, ...head, new Uint8Array(0)],
    "a piece of no snapshot": [4, 1, 0, 0, 0, 0, 0, utf8("x")],
    "a piece beyond the end": [4, 1, ...head, 999, utf8("xy")],
    "something behind parted": [3, 1, ...head, 0],
    "an entry of term 0 that is committed": [2, 1, ...head, 4, 0],
    "a sixth answer": [5, 1, ...head],
  };
  for (const [what, fields] of Object.entries(badResponses)) {
    test(what, () => expect(decodeRepairResponse(packFields(fields))).toBe(null));
  }
  test("entries that do not follow each other, or whose terms fall", () => {
    for (const entries of [
      [...entriesFrom(3, [1]), ...entriesFrom(5, [1])],
      entriesFrom(3, [2, 1]),
    ]) {
      const answer = { kind: "entries", entries } as const;
      const body = encodeRepairResponse({ round: 1, offered: null, answer });
      expect(decodeRepairResponse(body)).toBe(null);
    }
  });
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      decodeRepairRequest(bytes);
      decodeRepairResponse(bytes);
    }),
  );
});
