/**
 * Every snapshot that a server has told its journal of, held against the committed log (I17): it ends with a committed
 * entry, its file was durable before, it holds what the model has at that entry, and it is the same file on every
 * server that has one of that entry.
 */
import { must } from "../../base/assert.ts";
import { sameBytes } from "../../base/bytes.ts";
import type { NodeId } from "../../base/numbers.ts";
import { snapshotName } from "../../journal/names.ts";
import { loadSnapshot } from "../../journal/snapshot-load.ts";
import type { Store } from "../../kv/store.ts";
import type { SnapshotId } from "../../raft/types.ts";
import type { SimDisk } from "../disk.ts";
import { sameReply } from "./model.ts";
import { Violation } from "./violation.ts";
import type { Witness } from "./witness.ts";

export class SnapshotChecker {
  /** How many were compared with the model. */
  compared = 0;
  private readonly witness: Witness;
  /** By the index of the last entry. */
  private readonly checksums = new Map<number, number>();

  constructor(witness: Witness) {
    this.witness = witness;
  }

  /** A record that names it is on the disk for certain. */
  recorded(parts: { disk: SimDisk; node: NodeId; id: SnapshotId }): void {
    const { disk, node, id } = parts;
    const { index, term } = id.last;
    if (index > this.witness.committed || this.witness.termAt(index) !== term) {
      const what = `n${node} has a snapshot up to entry ${index} of term ${term}`;
      throw new Violation("I17", `${what}, where ${this.witness.committed} are committed`);
    }
    const file = disk.certain.get(snapshotName(node, index));
    if (file === undefined || file.certainSize !== id.bytes) {
      throw new Violation(
        "I17",
        `n${node} counts on a snapshot of entry ${index} that may be lost`,
      );
    }
    const known = this.checksums.get(index);
    if (known === id.checksum) return;
    if (known !== undefined) {
      throw new Violation("I17", `two servers have different snapshots up to entry ${index}`);
    }
    this.checksums.set(index, id.checksum);
    const source = {
      size: file.certainSize,
      read: (at: number, n: number) => file.readCertain(at, n),
    };
    const loaded = loadSnapshot(source, id);
    if (loaded.kind === "wrong") {
      throw new Violation(
        "I17",
        `the snapshot of n${node} up to entry ${index}: ${loaded.because}`,
      );
    }
    this.compared += 1;
    const { time } = this.witness.entries.at(index, term);
    if (loaded.head.time !== time) {
      throw new Violation("I17", `the snapshot up to entry ${index} has another cluster time`);
    }
    this.compareKeys(index, loaded.store);
    this.compareSessions(index, loaded.store);
  }

  private compareKeys(index: number, { values }: Store): void {
    const { model } = this.witness;
    let count = 0;
    for (const key of model.keys) {
      const version = model.versionAt(key, index);
      if (version?.value == null) continue;
      count += 1;
      const stored = values.get(key);
      const isSame = stored !== undefined && sameBytes(stored.value, version.value);
      if (isSame && stored.revision === version.index) continue;
      throw new Violation(
        "I17",
        `a snapshot up to entry ${index} has not what was written at ${version.index}`,
      );
    }
    if (values.size === count) return;
    throw new Violation(
      "I17",
      `a snapshot up to entry ${index} has ${values.size} keys, and there were ${count}`,
    );
  }

  private compareSessions(index: number, { sessions }: Store): void {
    const then = this.witness.model.asOf(index);
    const wrong = (what: string): never => {
      throw new Violation("I17", `a snapshot up to entry ${index}: ${what}`);
    };
    // The order is a part of it: it says who is forgotten first.
    const names = [...sessions.byId.keys()].join(", ");
    if (names !== then.sessionNames.join(", ")) wrong(`its sessions are ${names}`);
    for (const [id, held] of sessions.byId) {
      const { acknowledged, replies } = must(then.sessionOf(id), "the names are the same");
      if (held.acknowledged !== acknowledged) wrong(`session ${id} acknowledged another number`);
      if (held.replies.size !== replies.size)
        wrong(`session ${id} has ${held.replies.size} replies`);
      for (const [sequence, reply] of replies) {
        const known = held.replies.get(sequence);
        const isSame = known !== undefined && sameReply(known, reply);
        if (!isSame) wrong(`session ${id} answers request ${sequence} otherwise`);
      }
    }
  }
}
