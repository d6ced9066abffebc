/** What a process takes of the machine's memory, and its folder of the disk. Memory on Linux only: /proc says it. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { procFile } from "../measure/programs.ts";
import { bytes } from "../measure/table.ts";

/** Bytes. */
export type Memory = {
  /** All pages that are there, also those that others share: each node's program file counts in full. */
  readonly rss: number;
  /** Of a page that n processes share, an n-th. */
  readonly pss: number;
  /** What would be free if the process were not there. */
  readonly own: number;
};

/** The sums of /proc/PID/smaps_rollup, in which sizes are in KiB. Null where a figure is missing. */
export function parseRollup(text: string): Memory | null {
  const figure = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN);
  const [rss, pss] = [figure("Rss"), figure("Pss")];
  const own = figure("Private_Clean") + figure("Private_Dirty");
  return [rss, pss, own].some(Number.isNaN) ? null : { rss, pss, own };
}

/** Null where the system does not say, or the process is gone. */
export function memoryOf(pid: number): Memory | null {
  const text = procFile(`/proc/${pid}/smaps_rollup`);
  return text === null ? null : parseRollup(text);
}

export const shownMemory = ({ rss, pss, own }: Memory): string =>
  `RSS ${bytes(rss)}, PSS ${bytes(pss)}, private ${bytes(own)}`;

/** Bytes of one node's files: logs, and snapshots that are made or kept. */
export function filesOf(folder: string, node: number): number {
  const names = readdirSync(folder).filter((name) => name.startsWith(`node${node}.`));
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size);
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
