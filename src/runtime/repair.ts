/** A node's journal, opened; or repaired first from what the other nodes hold (docs/recovery.md). */
import type { Address } from "../base/address.ts";
import type { OperatorError } from "../base/error.ts";
import { DiskError } from "../journal/disk.ts";
import { openingFailed } from "../journal/errors.ts";
import { type OpenedJournal, type OpenOptions, openJournal } from "../journal/open.ts";
import { openDamaged } from "../journal/open-damaged.ts";
import { type Replacement, replaceJournal } from "../journal/replace.ts";
import type { Salvage } from "../journal/salvage.ts";
import { damageText, missingText } from "../replica/describe-repair.ts";
import { Repairer } from "../replica/repairer.ts";
import type { WireSettings } from "../replica/wire.ts";
import { systemRandom } from "./chance.ts";
import { systemClock } from "./clock.ts";
import type { FileDisk } from "./disk.ts";
import { Driver } from "./driver.ts";
import type { NodeLog } from "./node-log.ts";
import { openSocket } from "./socket.ts";

/** Who runs meanwhile: asked for its state by a signal, told things by the supervisor. */
export type Meanwhile = (describe: () => string) => void;

export type RepairParts = {
  readonly options: OpenOptions;
  readonly disk: FileDisk;
  readonly listen: Address;
  /** All of the wire but what the journal says of this node. */
  readonly wire: Omit<WireSettings, "cluster" | "incarnation">;
  readonly log: NodeLog;
  /** Resolves when the node is to stop. */
  readonly stop: Promise<unknown>;
  readonly meanwhile: Meanwhile;
};

/** "stopped": somebody stopped the node before it was done; nothing was changed. Throws what opening throws. */
export async function openOrRepair(parts: RepairParts): Promise<OpenedJournal | "stopped"> {
  const opening = openDamaged(parts.options);
  if (opening.kind === "opened") return opening;
  const { salvage, refusal } = opening;
  tellDamage(salvage, parts.log);
  const outcome = await repaired(parts, { salvage, refusal });
  if (outcome === "stopped") return "stopped";
  const setAside = replaced(parts, outcome.replacement);
  parts.log.warn(`${outcome.summary}; what was damaged is kept in ${setAside.join(", ")}`);
  return openJournal(parts.options);
}

type Outcome = { readonly replacement: Replacement; readonly summary: string };

async function repaired(
  parts: RepairParts,
  damaged: { readonly salvage: Salvage; readonly refusal: OperatorError },
): Promise<Outcome | "stopped"> {
  const { log, wire, disk, stop } = parts;
  const { cluster, incarnation } = damaged.salvage.identity;
  const over = Promise.withResolvers<Outcome>();
  const repairer = new Repairer({
    ...damaged,
    settings: { ...wire, cluster, incarnation },
    random: systemRandom(),
    now: systemClock.now(),
  });
  parts.meanwhile(() => repairer.describe());
  const socket = await openSocket(parts.listen, {
    onDatagram: (from, bytes) => driver.hear(from, bytes),
  });
  const replica: Pick<Repairer, "handle"> = {
    handle: (now, inputs) => {
      const effects = repairer.handle(now, inputs);
      const { outcome } = repairer;
      if (outcome !== null) over.resolve({ replacement: outcome, summary: repairer.summary() });
      return effects;
    },
  };
  const driver = new Driver({
    ...{ replica, disk, clock: systemClock, note: log.info },
    send: (datagrams) => socket.send(datagrams),
    stopped: (error) => over.reject(error),
  });
  try {
    return await Promise.race([over.promise, stop.then(() => "stopped" as const)]);
  } finally {
    driver.stop();
    socket.close();
  }
}

function replaced({ disk }: RepairParts, replacement: Replacement): readonly string[] {
  try {
    return replaceJournal(disk, replacement);
  } catch (error) {
    if (error instanceof DiskError) throw openingFailed(disk.folder, error);
    throw error;
  }
}

function tellDamage(salvage: Salvage, log: NodeLog): void {
  const { node } = salvage.identity;
  const { missingCount } = salvage.log;
  const what =
    missingCount === 0
      ? "no entry of the log is lost"
      : `${missingText(salvage.log)} cannot be read`;
  log.warn(
    `n${node} found its journal damaged in ${damageText(salvage)}: ${what}; ` +
      "it takes part in nothing until it has them from the other nodes",
  );
}
