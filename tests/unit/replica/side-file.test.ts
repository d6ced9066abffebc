/** Files beside the journal: when one is durable, and snapshots that arrive in one. */
import { describe, expect, test } from "bun:test";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { DiskEffect } from "../../../src/journal/effects.ts";
import { SnapshotEncoder } from "../../../src/journal/snapshot-format.ts";
import type { SnapshotRequest } from "../../../src/raft/message.ts";
import { SideFile } from "../../../src/replica/side-file.ts";
import { snapshotPace } from "../../../src/replica/snapshot-file.ts";
import { SnapshotReceiving } from "../../../src/replica/snapshot-receiving.ts";

function tickets(): () => number {
  let last = 0;
  return () => ++last;
}

const kinds = (effects: readonly DiskEffect[]): readonly string[] =>
  effects.map((effect) => (effect.kind === "sync" ? `sync ${effect.ticket}` : effect.kind));

describe("a file", () => {
  const newFile = (): SideFile =>
    new SideFile({ name: "n.snap.new", takeTicket: tickets(), firstBytes: new Uint8Array(1) });

  test("is durable when the sync is over that began after its end, and not before", () => {
    const file = newFile();
    file.append(new Uint8Array(snapshotPace.syncBytes));
    expect(kinds(file.takeEffects())).toEqual(["create", "append", "sync 1"]);
    file.append(new Uint8Array(1));
    file.end();
    expect(kinds(file.takeEffects())).toEqual(["append"]);
    file.onSynced(1);
    expect(file.state).toBe("ended");
    expect(kinds(file.takeEffects())).toEqual(["sync 2"]);
    file.onSynced(2);
    expect(file.state).toBe("durable");
  });

  test("that is given up is removed, but not in the middle of a sync", () => {
    const file = newFile();
    file.end();
    expect(kinds(file.takeEffects())).toEqual(["create", "sync 1"]);
    file.giveUp();
    expect(kinds(file.takeEffects())).toEqual([]);
    file.onSynced(1);
    expect(kinds(file.takeEffects())).toEqual(["remove"]);
    expect(file.state).toBe("gone");
  });
});

test("a snapshot of another cluster is none, however right it is", () => {
  const configuration = { voters: [nodeId(1)], outgoing: [], learners: [] };
  const last = { index: logIndex(7), term: term(2) };
  const head = { cluster: 0xc1, last, time: millis(5), configuration };
  const encoder = new SnapshotEncoder(head);
  encoder.header(head);
  encoder.end();
  const piece = encoder.takeWritten().slice();
  const first: SnapshotRequest = {
    ...{ kind: "snapshot-request", from: nodeId(2), to: nodeId(1), term: term(2) },
    ...{ snapshot: encoder.id(), offset: 0, piece },
  };
  const offeredTo = (cluster: number) =>
    new SnapshotReceiving({ me: nodeId(1), cluster, first, takeTicket: tickets() }).offer(first);
  expect(offeredTo(0xc1)).toEqual({ kind: "taken" });
  expect(offeredTo(0xc2)).toEqual({ kind: "wrong", because: "of-another-cluster" });
});
