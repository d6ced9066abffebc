/**
 * The corruption grid once more, with servers that repair their journals: damage on any of the entries on any of the
 * servers. What must hold in each case:
 *
 *   - where every entry has a good copy somewhere, every server repairs itself, and all values are read and right;
 *   - where an entry has none, its servers refuse, with its index, and nothing is answered that is wrong;
 *   - where servers are down that may have one, the others wait for them, and nobody leads.
 */
import { assert, must } from "../../src/base/assert.ts";
import { SimCluster } from "../../src/sim/cluster.ts";
import type { SimServer } from "../../src/sim/server.ts";
import { checkServed, damaged, type Size, type Written } from "./corruption-grid.ts";

export type RepairOutcome = "repaired" | "refused" | "waiting";

/** The first `present` servers are started; the others are down, whatever they hold. */
export type RepairSize = Size & { readonly present: number };

/** Asking, giving up and lingering, with time to spare. */
const patienceMs = 12_000;
/** So long a server would have given up by then, if it did. */
const waitingMs = 6000;

export function playRepair(
  journals: readonly Written[],
  of: number,
  size: RepairSize,
): RepairOutcome {
  const { servers, present, entries } = size;
  const cluster = new SimCluster({ seed: 1 + of, servers, settings: { damage: "repair" } });
  const all = [...cluster.servers.values()].slice(0, present);
  all.forEach((server, at) => {
    const { disk } = server;
    const journal = must(journals[at], "every server has a journal");
    disk.create(journal.file, damaged(journal, at, of));
    disk.sync(journal.file);
    disk.syncFolder();
    server.start();
  });
  if (lostEntries(of, size).length > 0) return checkHopeless(cluster, all, size);
  const runs = () => (all.every(({ replica }) => replica !== null) ? "done" : "not-yet");
  assert(cluster.runUntil(runs, patienceMs) === "done", "every server repairs itself");
  checkServed(cluster, entries);
  for (const { replica } of all) {
    const last = replica?.state.log.lastIndex ?? 0;
    assert(last >= entries, "every server holds all entries again");
  }
  return "repaired";
}

/** The lost entry is lost on each of the servers that are there. */
function checkHopeless(
  cluster: SimCluster,
  all: readonly SimServer[],
  { servers, present }: RepairSize,
): "refused" | "waiting" {
  const refuses = () => (all.every(({ failure }) => failure !== null) ? "done" : "not-yet");
  const outcome = cluster.runUntil(refuses, present < servers ? waitingMs : patienceMs);
  assert(cluster.leaders().length === 0, "who repairs elects nobody");
  if (present < servers) {
    assert(
      all.every(({ repairer }) => repairer !== null),
      "every server waits for those that are down",
    );
    return "waiting";
  }
  assert(outcome === "done", "every server refuses");
  for (const server of all) checkRefused(server);
  return "refused";
}

function checkRefused({ id, failure, disk }: SimServer): void {
  assert(failure !== null, "it has refused");
  const { code, exit, why } = failure.parts;
  assert(code === "no-good-copy" && exit === 6, `n${id} says that nobody has a copy: ${code}`);
  assert(/no other node has a good copy of entr(y|ies) \d/.test(why), `n${id} names them: ${why}`);
  assert(disk.list().length === 1, `n${id} leaves its file as it was, and no other`);
}

/** Those of which no server has a good copy. */
export function lostEntries(of: number, { present, entries }: RepairSize): readonly number[] {
  const all = Array.from({ length: entries }, (_, entry) => entry);
  return all.filter((entry) => {
    for (let server = 0; server < present; server++) {
      if (((of >> (server * entries + entry)) & 1) === 0) return false;
    }
    return true;
  });
}
