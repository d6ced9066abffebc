/** A copy of the tree in which mutants are tried one after the other: the tree that is worked in is never touched. */
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Detector } from "./detectors.ts";
import { type Mutant, type Patched, patch } from "./mutant.ts";

const copied = ["src", "tests", "scripts", "docs", "package.json", "tsconfig.json", "bunfig.toml"];

/** What came of one detector. */
export type Finding = {
  readonly detector: Detector;
  readonly ms: number;
  /** Null: it passed, and so it noticed nothing. */
  readonly noticed: Notice | null;
};

export type Notice = {
  /** The first test that failed, or what was said instead. */
  readonly by: string;
  /** The seed that was running, where seeds were. */
  readonly seed: number | null;
  /** "broken": the copy could not be run at all, which says nothing about the tests. */
  readonly kind: "failed" | "hung" | "broken";
};

export class Workshop {
  private readonly home: string;
  private readonly said: string;
  /** The group of processes of the detector that is being asked. */
  private running: number | null = null;

  /** `folder` is new, and the caller's to remove. */
  constructor(origin: string, folder: string) {
    this.home = join(folder, "tree");
    this.said = join(folder, "said.txt");
    mkdirSync(this.home, { recursive: true });
    for (const name of copied) {
      cpSync(join(origin, name), join(this.home, name), { recursive: true });
    }
    symlinkSync(join(origin, "node_modules"), join(this.home, "node_modules"));
    // Recorded histories and tables of others, for the tests that look for them beside the tree.
    const beside = join(dirname(origin), "shared");
    if (existsSync(beside)) symlinkSync(beside, join(folder, "shared"));
  }

  /** Does `work` while the mutant is in the source. */
  async with(mutant: Mutant, work: () => Promise<void>): Promise<Patched> {
    const path = join(this.home, "src", mutant.file);
    if (!existsSync(path)) return { kind: "does-not-apply", because: "its file is gone" };
    const text = readFileSync(path, "utf8");
    const patched = patch(text, mutant);
    if (patched.kind === "does-not-apply") return patched;
    writeFileSync(path, patched.text);
    try {
      await work();
    } finally {
      writeFileSync(path, text);
    }
    return patched;
  }

  async ask(detector: Detector, msMax: number): Promise<Finding> {
    const began = performance.now();
    // A file and no pipe: a process that a failing test left behind would keep a pipe open for ever.
    const output = openSync(this.said, "w");
    const child = Bun.spawn([process.execPath, ...detector.words], {
      cwd: this.home,
      env: { ...process.env, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: output,
      stderr: output,
      detached: true,
    });
    this.running = child.pid;
    let ended: "by-itself" | "too-late" = "by-itself";
    const alarm = setTimeout(() => {
      ended = "too-late";
      this.stop();
    }, msMax);
    const code = await child.exited;
    clearTimeout(alarm);
    this.stop();
    closeSync(output);
    const ms = performance.now() - began;
    if (code === 0) return { detector, ms, noticed: null };
    const said = readFileSync(this.said, "utf8");
    const seed = runsSeeds(detector) ? lastSeed(said) : null;
    if (ended === "by-itself") return { detector, ms, noticed: { ...noticeIn(said), seed } };
    const by = `not over after ${Math.round(msMax / 1000)} s`;
    return { detector, ms, noticed: { by, seed, kind: "hung" } };
  }

  /** Ends what is running here, and what that has started. */
  stop(): void {
    if (this.running === null) return;
    try {
      process.kill(-this.running, "SIGKILL");
    } catch {
      // Nobody of them is left.
    }
    this.running = null;
  }
}

const runsSeeds = ({ kind }: Detector): boolean => kind === "explorer" || kind === "simulator";

function noticeIn(said: string): Omit<Notice, "seed"> {
  const test = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(said)?.[1];
  const error = /^.*\berror: (.*)$/im.exec(said)?.[1];
  const kind = /\b(ReferenceError|SyntaxError|Cannot find module)\b/.test(said)
    ? "broken"
    : "failed";
  const by = test ?? error ?? said.trim().split("\n").at(-1) ?? "it says nothing";
  return { by, kind };
}

function lastSeed(said: string): number | null {
  const seed = [...said.matchAll(/\bseed (\d+)/g)].at(-1)?.[1];
  return seed === undefined ? null : Number(seed);
}
