/**
 * The bytes of every kind of record, as they stand in docs/file-format.md. A change here is a
 * change of the format: it needs a new version, and a reader for the old one.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hex, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis, nodeId, noIndex, noTerm, term } from "../../../src/base/numbers.ts";
import { StoreReader } from "../../../src/codec/store-sections.ts";
import { Batch } from "../../../src/journal/batch.ts";
import { recordToSexp } from "../../../src/journal/describe.ts";
import { type Header, headerRecord } from "../../../src/journal/header.ts";
import { type JournalRecord, RecordReader } from "../../../src/journal/reader.ts";
import { chainRecords, markRecordBytes, writeMark } from "../../../src/journal/record.ts";
import { SnapshotEncoder } from "../../../src/journal/snapshot-format.ts";
import { apply, emptyStore } from "../../../src/kv/store.ts";
import type { Configuration, SnapshotId } from "../../../src/raft/types.ts";
import { print } from "../../../src/sexp/print.ts";
import { string } from "../../../src/sexp/value.ts";

const three: Configuration = {
  voters: [nodeId(1), nodeId(2), nodeId(3)],
  outgoing: [],
  learners: [],
};

/** n3 goes and n4 comes; n4's address is known, and of n1 only the incarnation. */
const moved: Configuration = {
  voters: [nodeId(1), nodeId(2), nodeId(4)],
  outgoing: three.voters,
  learners: [],
  places: [
    { id: nodeId(1), address: null, incarnation: 0xabcd },
    { id: nodeId(4), address: { host: "10.0.0.4", port: 7101 }, incarnation: 0x99 },
  ],
};

const header: Omit<Header, "kind" | "version"> = {
  identity: { node: nodeId(1), cluster: 0x1234, incarnation: 0xabcd },
  segment: 1,
  chain: 0,
  previous: { index: noIndex, term: noTerm },
  hardState: { term: noTerm, votedFor: null },
  commit: noIndex,
  run: 0,
  snapshot: null,
  peers: new Map([[nodeId(2), 0x77]]),
  configuration: three,
};

/**
 * A file with a record of every kind. The batch begins behind the header, whose checksum is the
 * seed.
 */
function goldenFile(): Uint8Array {
  const first = headerRecord(header);
  const seed = new DataView(first.buffer).getUint32(0, true);
  const batch = new Batch();
  batch.addState({ term: term(1), votedFor: nodeId(1) });
  const id = { term: term(1), time: millis(250) };
  batch.addEntry({ ...id, index: logIndex(1), kind: "noop", body: null });
  batch.addEntry({ ...id, index: logIndex(2), kind: "command", body: utf8("hello") });
  const learners = [nodeId(4)];
  batch.addEntry({
    ...id,
    index: logIndex(3),
    kind: "configuration",
    body: { ...three, learners },
  });
  batch.addPeer({ node: nodeId(3), incarnation: 0x88 });
  batch.addEntry({ ...id, index: logIndex(4), kind: "configuration", body: moved });
  batch.addSnapshot({
    kind: "snapshot",
    id: snapshotId,
    log: "kept",
    configuration: three,
  });
  const bytes = batch.take();
  writeMark(bytes, 0, {
    offset: first.length,
    durable: first.length,
    commit: noIndex,
    run: 1,
    seed,
    hardState: { term: noTerm, votedFor: null },
    last: { index: noIndex, term: noTerm },
    replacements: 0,
  });
  chainRecords(bytes, seed);
  return new Uint8Array([...first, ...bytes]);
}

type Golden = { readonly name: string; readonly sexp: string; readonly hex: string };

function goldens(): readonly Golden[] {
  const bytes = goldenFile();
  const reader = new RecordReader({
    size: bytes.length,
    read: (offset, length) => bytes.slice(offset, offset + length),
  });
  const found: Golden[] = [];
  for (let next = reader.next(); next.kind === "record"; next = reader.next()) {
    const { offset, length, record } = next;
    const sexp = print(
      recordToSexp(record, (command) => string(new TextDecoder().decode(command))),
    );
    found.push({ name: nameOf(record), sexp, hex: hex(bytes.slice(offset, offset + length)) });
  }
  return found;
}

const inGroups = (digits: string): string => digits.replace(/(.{16})(?=.)/g, "$1 ");

const nameOf = (record: JournalRecord): string =>
  record.kind === "entry" ? `entry, ${record.entry.kind}` : record.kind;

const expected: readonly Golden[] = [
  {
    name: "header",
    sexp:
      '(header (node 1) (cluster "000000001234") (incarnation "00000000abcd") (segment 1) ' +
      "(first 1) (previous 0 0) (term 0) (voted-for none) (commit 0) (run 0) (members " +
      '(voters 1 2 3)) (peers (2 "000000000077")))',
    hex:
      "378250925a00000152555354424f415401000100341200000000cdab000000000100000000000000" +
      "0000000000000000000000000000000000000000000000000000000000000000000001000c000200" +
      "770000000000030000000000010002000300000000000000",
  },
  {
    name: "mark",
    sexp: "(mark (durable 104) (commit 0) (run 1) (term 0) (voted-for none) (last 0 0) (replacements 0))",
    hex:
      "0a0c437a380000024d41524b52acc023680000000000680000000000000000000000010000000000" +
      "000000000000000000000000000000000000000000000000",
  },
  {
    name: "state",
    sexp: "(state (term 1) (voted-for 1))",
    hex: "0c5fa905080000040100000000000100",
  },
  {
    name: "entry, noop",
    sexp: "(entry (index 1) (term 1) (time 250) (noop))",
    hex: "2c5b167e18000003010000000000010000000000fa0000000000010000000000",
  },
  {
    name: "entry, command",
    sexp: '(entry (index 2) (term 1) (time 250) "hello")',
    hex: "926e063d1d000003020000000000010000000000fa000000000002000500000068656c6c6f000000",
  },
  {
    name: "entry, configuration",
    sexp: "(entry (index 3) (term 1) (time 250) (members (voters 1 2 3) (learners 4)))",
    hex:
      "c085cc3a26000003030000000000010000000000fa000000000003000e0000000300000001000100" +
      "0200030004000000",
  },
  {
    name: "peer",
    sexp: '(peer (node 3) (incarnation "000000000088"))',
    hex: "2681acc4080000050300880000000000",
  },
  {
    name: "entry, configuration",
    sexp:
      "(entry (index 4) (term 1) (time 250) (members (voters 1 2 4) (outgoing 1 2 3) " +
      '(places (1 none "00000000abcd") (4 "10.0.0.4:7101" "000000000099"))))',
    hex:
      "c554aa2248000003040000000000010000000000fa00000000000300300000000300030000000100" +
      "020004000100020003000100cdab000000000000000400990000000000bd1b0831302e302e302e34",
  },
  {
    name: "snapshot",
    sexp:
      '(snapshot (last 2 1) (bytes 152) (checksum "4beb5261") (log kept) (members ' +
      "(voters 1 2 3)))",
    hex:
      "2d668b7c240000060200000000000100000000009800000000006152eb4b000003000000000001000200" +
      "030000000000",
  },
];

/** The header of the file after that one: a snapshot is in force. */
const laterHeader: Golden = {
  name: "header",
  sexp:
    '(header (node 1) (cluster "000000001234") (incarnation "00000000abcd") (segment 2) ' +
    "(first 4) (previous 3 1) (term 1) (voted-for 1) (commit 2) (run 1) (snapshot (last 2 1) " +
    '(bytes 152) (checksum "4beb5261")) (members (voters 1 2 3)) (peers))',
  hex:
    "aa8bbe926800000152555354424f415402000100341200000000cdab00000000020000000000ed5e0000" +
    "030000000000010000000000010000000000010002000000000001000000000000000c00020000000000" +
    "0100000000009800000000006152eb4b030000000000010002000300",
};

/** The blocks of that snapshot. */
const snapshotBlocks: readonly string[] = [
  "3dc05c892e00000152555354534e415001003412000000000200000000000100000000000401000000000300" +
    "000000000100020003000000",
  "7a4c6a3f15000010050004000000020000000000636f6c6f72626c7565000000",
  "dabf52eb2100001101010000000000040100000000010000000000020100000000000300000092020200000000000000",
  "6152eb4b060000020300000000000000",
];

const snapshotId = {
  last: { index: logIndex(2), term: term(1) },
  bytes: 152,
  checksum: 0x4beb5261,
};

function goldenSnapshot(): { readonly blocks: readonly string[]; readonly id: SnapshotId } {
  const store = emptyStore();
  const key = { kind: "put", key: "color", value: utf8("blue") } as const;
  const operation = { ...key, condition: { kind: "always" } } as const;
  const request = { kind: "request", session: 1, sequence: 1, acknowledged: 1, operation } as const;
  apply(store, { index: logIndex(1), time: millis(250), command: { kind: "register", nonce: 7 } });
  apply(store, { index: logIndex(2), time: millis(260), command: request });
  const end = { last: snapshotId.last, time: millis(260), configuration: three };
  const encoder = new SnapshotEncoder({ ...end, cluster: 0x1234 });
  const blocks = [hex(encoder.header({ ...end, cluster: 0x1234 }))];
  const reader = new StoreReader(store);
  for (let block = reader.next(); block !== null; block = reader.next()) {
    blocks.push(hex(encoder.section(block)));
  }
  blocks.push(hex(encoder.end()));
  return { blocks, id: encoder.id() };
}

test("every block of a snapshot has the bytes that the format says", () => {
  expect(goldenSnapshot()).toEqual({ blocks: snapshotBlocks, id: snapshotId });
});

test("a header says which snapshot is in force, in a version that says so", () => {
  const bytes = headerRecord({
    ...header,
    segment: 2,
    chain: 0x5eed,
    previous: { index: logIndex(3), term: term(1) },
    hardState: { term: term(1), votedFor: nodeId(1) },
    commit: logIndex(2),
    run: 1,
    snapshot: snapshotId,
    peers: new Map(),
  });
  const source = { size: bytes.length, read: () => bytes };
  const read = new RecordReader(source).next();
  if (read.kind !== "record") throw new Error(read.kind);
  const sexp = print(recordToSexp(read.record, () => string("")));
  expect({ name: "header", sexp, hex: hex(bytes) }).toEqual(laterHeader);
});

test("every kind of record has the bytes that the format says", () => {
  expect(goldens()).toEqual([...expected]);
});

test("docs/file-format.md shows these bytes and these s-expressions", () => {
  const document = readFileSync(join(import.meta.dir, "../../../docs/file-format.md"), "utf8");
  const text = document.replace(/\s+/g, " ");
  for (const block of snapshotBlocks) expect(text).toContain(inGroups(block));
  for (const golden of [...expected, laterHeader]) {
    expect(text).toContain(golden.sexp);
    expect(text).toContain(inGroups(golden.hex));
  }
});

test("a mark's checksum does not cancel out of its record's", () => {
  const before = { hardState: header.hardState, last: header.previous, replacements: 0 };
  const checksums = [1, 2, 3].map((run) => {
    const mark = new Uint8Array(markRecordBytes);
    writeMark(mark, 0, { offset: 80, durable: 80, commit: logIndex(9), run, seed: 5, ...before });
    return chainRecords(mark, 5);
  });
  expect(new Set(checksums).size).toBe(3);
});
