/** A prepared log is one that the journal reads back: the same on every node, committed to its end, every key there. */
import { afterAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { temporaryFolder } from "../../../scripts/measure/cluster.ts";
import { preparedCluster, prepareLogs } from "../../../scripts/measure/prepared.ts";
import { Puts } from "../../../scripts/measure/puts.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { openJournal } from "../../../src/journal/open.ts";
import { limits } from "../../../src/kv/command.ts";
import { Comparison } from "../../../src/replica/comparison.ts";
import { Counters } from "../../../src/replica/counters.ts";
import { Machine } from "../../../src/replica/machine.ts";
import { FileDisk } from "../../../src/runtime/disk.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function readBack(id: number) {
  const disk = new FileDisk(folder, () => {});
  const create = { incarnation: 1, configuration: { voters: [], outgoing: [], learners: [] } };
  const { recovered } = openJournal({
    disk,
    node: nodeId(id),
    cluster: preparedCluster.id,
    create,
  });
  disk.close();
  return recovered;
}

test("every node has the same entries, committed to the last, and the store has every key", () => {
  prepareLogs(folder, 3, { entries: 1234, keys: 300, valueBytes: 16 });
  const [first, ...others] = [1, 2, 3].map((id) => readBack(id));
  expect(first?.origin).toBe("opened");
  expect(first?.entries).toHaveLength(1234);
  expect(first?.commit as number).toBe(1234);
  for (const other of others) expect(other.entries).toEqual(first?.entries ?? []);
  const machine = new Machine(null, limits, new Comparison(new Counters()));
  for (const entry of first?.entries ?? []) {
    const reply = machine.apply(entry, null);
    expect(reply?.kind).toBe(entry.index === 1 ? "registered" : "written");
  }
  expect(machine.keys).toBe(300);
});

test("puts draw from so many keys, and the same ones each time", () => {
  const keysOf = (): readonly string[] => {
    const source = new Puts({ keys: 5, valueBytes: 1, order: "chance" });
    return Array.from({ length: 200 }, () => {
      const command = source.command();
      return command.kind === "request" && command.operation.kind === "put"
        ? command.operation.key
        : "";
    });
  };
  expect(new Set(keysOf().slice(1)).size).toBe(5);
  expect(keysOf()).toEqual(keysOf());
});
