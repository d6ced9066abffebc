/** `(node 1 (role repairing) (term 3) (log (first 5) (last 42)) (missing 7) …)`, and the same for people. */
import type { NodeId } from "../base/numbers.ts";
import { nextIndex } from "../base/numbers.ts";
import type { FetchedSnapshot } from "../journal/open-damaged.ts";
import { gapsOf } from "../journal/partial-log.ts";
import type { Damage, Salvage } from "../journal/salvage.ts";
import { print } from "../sexp/print.ts";
import { form, list, symbol, word } from "../sexp/value.ts";
import type { Counters } from "./counters.ts";

export function describeRepair({ identity, standing, log }: Salvage, counters: Counters): string {
  const counts = counters.sorted().map(([name, count]) => list(word(name), count));
  return print(
    form(
      "node",
      identity.node,
      form("role", symbol("repairing")),
      form("term", standing.hardState.term),
      form("commit", log.commit),
      form("log", form("first", nextIndex(log.base.index)), form("last", log.last.index)),
      form("applied", log.base.index),
      form("missing", log.missingCount),
      form("counters", ...counts),
    ),
  );
}

/** `node1.log at byte 240 (136 bytes)` */
export const damageText = (salvage: Pick<Salvage, "damages" | "damagedSnapshots">): string =>
  [...salvage.damages.map(placeText), ...salvage.damagedSnapshots].join(", ");

const placeText = ({ file, offset, bytes }: Damage): string =>
  bytes === 0 ? `${file} at byte ${offset}` : `${file} at byte ${offset} (${bytes} bytes)`;

/** `entry 4`, `entries 4 to 7, 9` */
export function missingText(log: Salvage["log"]): string {
  const gaps = gapsOf(log).map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  return gaps.length === 1 && !gaps[0]!.includes("to")
    ? `entry ${gaps[0]}`
    : `entries ${gaps.join(", ")}`;
}

export function progressOf(
  salvage: Salvage,
  came: {
    readonly sources: ReadonlyMap<NodeId, number>;
    readonly fetched: FetchedSnapshot | null;
  },
): string {
  const from = [...came.sources].map(([id, count]) => `${count} from n${id}`);
  const entries =
    from.length === 0 ? "no entry was missing" : `entries fetched: ${from.join(", ")}`;
  const snapshot =
    came.fetched === null ? "" : `; a snapshot up to entry ${came.fetched.id.last.index} as well`;
  const { node } = salvage.identity;
  return `n${node} has repaired its journal, damaged in ${damageText(salvage)}: ${entries}${snapshot}`;
}
