/**
 * The processes below one, where no group of their own holds them together: found in the system's table of processes,
 * told apart from later ones with the same numbers by when they began.
 */
import { readdirSync, readFileSync } from "node:fs";

type Row = { readonly pid: number; readonly parent: number; readonly began: string };

export class Descendants {
  readonly #root: number;
  /** Whoever was seen below it; its parent may have ended since, and then nothing else tells where it came from. */
  readonly #seen = new Map<number, string>();

  constructor(root: number) {
    this.#root = root;
  }

  /** Those that are there now, and those that were seen before and still are. Without the one that they are below. */
  now(): readonly number[] {
    const rows = processTable();
    const began = new Map(rows.map((row) => [row.pid, row.began]));
    for (const [pid, since] of this.#seen) if (began.get(pid) !== since) this.#seen.delete(pid);
    const above = [this.#root, ...this.#seen.keys()];
    for (let at = 0; at < above.length; at++) {
      for (const row of rows) {
        if (row.parent !== above[at] || this.#seen.has(row.pid)) continue;
        this.#seen.set(row.pid, row.began);
        above.push(row.pid);
      }
    }
    return [...this.#seen.keys()];
  }
}

function processTable(): readonly Row[] {
  return process.platform === "linux" ? fromProc() : fromPs();
}

function fromProc(): readonly Row[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    try {
      // Behind the name, which may hold anything: state, parent, and as the 20th when it began.
      const text = readFileSync(`/proc/${name}/stat`, "latin1");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(fields[1]), began: fields[19] ?? "" }];
    } catch {
      // It has ended since.
      return [];
    }
  });
}

function fromPs(): readonly Row[] {
  try {
    const ran = Bun.spawnSync(["ps", "-A", "-o", "pid=,ppid=,lstart="]);
    return ran.stdout
      .toString()
      .split("\n")
      .flatMap((line) => {
        const [, pid, parent, began = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
        return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), began }];
      });
  } catch {
    // No such program: what cannot be seen is not found.
    return [];
  }
}
