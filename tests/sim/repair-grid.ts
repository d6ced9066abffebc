/**
 * The corruption grid once more, with servers that repair their journals: damage on any of the entries on any of the
 * servers. What must hold in each case:
 *
 *   - where every entry has a good copy somewhere, every server repairs itself, and all values are read and right;
 *   - where an entry has none, its servers refuse, with its index, and nothing is answered that is wrong. The others
 *     serve where they are a majority.
 */
import { assert } from "../../src/base/assert.ts";
import { SimCluster } from "../../src/sim/cluster.ts";
import type { SimServer } from "../../src/sim/server.ts";
import { checkServed, damaged, type Size, type Written } from "./corruption-grid.ts";

export type RepairOutcome = "repaired" | "served by the undamaged" | "refused";

/** Asking, giving up and lingering, with time to spare. */
const patienceMs = 12_000;

export function playRepair(journals: readonly Written[], of: number, size: Size): RepairOutcome {
  const { servers, entries } = size;
  const cluster = new SimCluster({ seed: 1 + of, servers, settings: { damage: "repair" } });
  journals.forEach((journal, server) => {
    const { disk } = cluster.server(server + 1);
    disk.create(journal.file, damaged(journal, server, of));
    disk.sync(journal.file);
    disk.syncFolder();
  });
  cluster.start();
  const all = [...cluster.servers.values()];
  const isHopeless = lostEntries(of, size).length > 0;
  if (!isHopeless) {
    const runs = () => (all.every(({ replica }) => replica !== null) ? "done" : "not-yet");
    assert(cluster.runUntil(runs, patienceMs) === "done", "every server repairs itself");
    checkServed(cluster, entries);
    for (const { replica } of all) {
      const last = replica?.state.log.lastIndex ?? 0;
      assert(last >= entries, "every server holds all entries again");
    }
    return "repaired";
  }
  const isDown = (server: SimServer): boolean => server.failure !== null;
  const settled = () => all.every((server) => isDown(server) || server.replica !== null);
  cluster.runUntil(() => (settled() ? "done" : "not-yet"), patienceMs);
  const refused = all.filter(isDown);
  for (const server of refused) checkRefused(server);
  const up = all.filter(({ replica }) => replica !== null).length;
  assert(up + refused.length === servers, "every server runs or has refused: the others answered");
  if (2 * up <= servers) {
    assert(cluster.leaders().length === 0, "a minority elects nobody");
    return "refused";
  }
  checkServed(cluster, entries);
  return "served by the undamaged";
}

function checkRefused({ id, failure, disk }: SimServer): void {
  assert(failure !== null, "it has refused");
  const { code, exit, why } = failure.parts;
  assert(code === "no-good-copy" && exit === 6, `n${id} says that nobody has a copy: ${code}`);
  assert(/no other node has a good copy of entr(y|ies) \d/.test(why), `n${id} names them: ${why}`);
  assert(disk.list().length === 1, `n${id} leaves its file as it was, and no other`);
}

/** Those of which no server has a good copy. */
export function lostEntries(of: number, { servers, entries }: Size): readonly number[] {
  const all = Array.from({ length: entries }, (_, entry) => entry);
  return all.filter((entry) => {
    for (let server = 0; server < servers; server++) {
      if (((of >> (server * entries + entry)) & 1) === 0) return false;
    }
    return true;
  });
}
