/** A copy of the tree in which mutants are tried one after the other: the tree that is worked in is never touched. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
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

  /** `folder` is new, and the caller's to remove. */
  constructor(origin: string, folder: string) {
    this.home = join(folder, "tree");
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
    const child = Bun.spawn([process.execPath, ...detector.words], {
      cwd: this.home,
      env: { ...process.env, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let ended: "by-itself" | "too-late" = "by-itself";
    const alarm = setTimeout(() => {
      ended = "too-late";
      child.kill("SIGKILL");
    }, msMax);
    const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
    const said = (await Promise.all(texts)).join("\n");
    const code = await child.exited;
    clearTimeout(alarm);
    const ms = performance.now() - began;
    if (code === 0) return { detector, ms, noticed: null };
    const seed = runsSeeds(detector) ? lastSeed(said) : null;
    if (ended === "by-itself") return { detector, ms, noticed: { ...noticeIn(said), seed } };
    const by = `not over after ${Math.round(msMax / 1000)} s`;
    return { detector, ms, noticed: { by, seed, kind: "hung" } };
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
