/** A snapshot that is fetched piece by piece: it is the one that was named, of this cluster, or nothing. */
import { expect, test } from "bun:test";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { StoreReader } from "../../../src/codec/store-sections.ts";
import { SnapshotEncoder } from "../../../src/journal/snapshot-format.ts";
import { emptyStore } from "../../../src/kv/store.ts";
import { setValue } from "../../../src/kv/values.ts";
import type { SnapshotId } from "../../../src/raft/types.ts";
import { SnapshotFetch } from "../../../src/replica/snapshot-fetch.ts";

const two = nodeId(2);
const cluster = 0xc1;

function snapshot(value: number): { readonly id: SnapshotId; readonly bytes: Uint8Array } {
  const store = emptyStore();
  setValue(store, "k", { value: new Uint8Array(500).fill(value), revision: logIndex(3) });
  const configuration = { voters: [two], outgoing: [], learners: [] };
  const last = { index: logIndex(3), term: term(1) };
  const head = { last, time: millis(5), configuration, cluster };
  const encoder = new SnapshotEncoder(head);
  const blocks = [...encoder.header(head)];
  const reader = new StoreReader(store);
  for (let block = reader.next(); block !== null; block = reader.next()) {
    blocks.push(...encoder.section(block));
  }
  blocks.push(...encoder.end());
  return { id: encoder.id(), bytes: new Uint8Array(blocks) };
}

/** What the last piece comes to. */
function fetched(id: SnapshotId, bytes: Uint8Array, expectedCluster = cluster): string {
  const fetch = new SnapshotFetch(two, id, 1);
  let kind = "";
  for (let offset = 0; offset < bytes.length && kind !== "wrong"; offset += 100) {
    kind = fetch.take({ offset, piece: bytes.slice(offset, offset + 100) }, expectedCluster).kind;
  }
  return kind;
}

test("whole, it is the one that was named", () => {
  const { id, bytes } = snapshot(1);
  expect(fetched(id, bytes)).toBe("whole");
});

test("another one of the same entry and length is not", () => {
  expect(fetched(snapshot(1).id, snapshot(2).bytes)).toBe("wrong");
});

test("one of another cluster is not", () => {
  const { id, bytes } = snapshot(1);
  expect(fetched(id, bytes, 0xc2)).toBe("wrong");
});

test("one with a wrong bit is not, and is noticed before its end", () => {
  const { id, bytes } = snapshot(1);
  bytes[150] = bytes[150]! ^ 1;
  expect(fetched(id, bytes)).toBe("wrong");
});

test("a piece that came before changes nothing, and is no reason to ask again", () => {
  const { id, bytes } = snapshot(1);
  const fetch = new SnapshotFetch(two, id, 1);
  const piece = { offset: 0, piece: bytes.slice(0, 100) };
  expect(fetch.take(piece, cluster)).toEqual({ kind: "more", isNew: "new" });
  expect(fetch.take(piece, cluster)).toEqual({ kind: "more", isNew: "old" });
  expect(fetch.received).toBe(100);
});

test("who is silent for long is asked no more", () => {
  const fetch = new SnapshotFetch(two, snapshot(1).id, 1);
  let asked = 1;
  while (fetch.isSilent() === "patient") asked += 1;
  expect(asked).toBeLessThan(50);
});
