/**
 * Do the tests notice bugs? `bun run mutants [--only PATTERN,…] [--jobs 2] [--all-detectors]`
 *
 * Each seeded bug of tests/mutants is put into a copy of the tree, and the tests run there, cheap ones first, until
 * one fails. A bug that none notices is a missing test; a bug that cannot be put in any more is a forgotten one:
 * both are failures. With --all-detectors every kind of test is asked about every bug, and a table tells which of
 * them notice it, and after how many seeds. The last line is `N passed, M failed`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { mutants } from "../tests/mutants/all.ts";
import {
  type Detector,
  detectorKinds,
  detectorsFor,
  findDetectors,
} from "../tests/mutants/detectors.ts";
import type { Mutant } from "../tests/mutants/mutant.ts";
import { type Finding, Workshop } from "../tests/mutants/workshop.ts";

const home = dirname(import.meta.dir);

/** How much longer than without the mutant a detector may take, before it counts as hung. */
const patience = { times: 8, msMin: 12_000 } as const;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    "all-detectors": { type: "boolean", default: false },
  },
});

type Verdict = {
  readonly mutant: Mutant;
  readonly findings: readonly Finding[];
  /** Why the mutant counts as failed, or null: it was noticed. */
  readonly failure: string | null;
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What each detector takes on the tree as it is, where all of them must pass; null where one does not. */
async function usualTimes(
  workshop: Workshop,
  detectors: readonly Detector[],
): Promise<ReadonlyMap<Detector, number> | null> {
  const times = new Map<Detector, number>();
  for (const detector of detectors) {
    const { ms, noticed } = await workshop.ask(detector, 600_000);
    const name = `${detector.kind} ${detector.area}`.trim();
    const verdict = noticed === null ? seconds(ms) : `it fails: ${noticed.by}`;
    say(`without any mutant, ${name}: ${verdict}`);
    if (noticed !== null) return null;
    times.set(detector, ms);
  }
  return times;
}

/** What hung is asked once more, with more patience: the machine may have been busy with something else. */
async function ask(workshop: Workshop, detector: Detector, usualMs: number): Promise<Finding> {
  const msMax = Math.max(patience.msMin, patience.times * usualMs);
  const first = await workshop.ask(detector, msMax);
  return first.noticed?.kind === "hung" ? workshop.ask(detector, 2 * msMax) : first;
}

async function examine(
  workshop: Workshop,
  mutant: Mutant,
  usual: ReadonlyMap<Detector, number>,
): Promise<Verdict> {
  const findings: Finding[] = [];
  const patched = await workshop.with(mutant, async () => {
    for (const detector of detectorsFor(mutant, [...usual.keys()])) {
      // One of a kind is enough: the table says which kinds notice.
      if (findings.some((one) => one.noticed !== null && one.detector.kind === detector.kind)) {
        continue;
      }
      const finding = await ask(workshop, detector, usual.get(detector) ?? 0);
      findings.push(finding);
      if (finding.noticed !== null && !flags["all-detectors"]) return;
    }
  });
  return { mutant, findings, failure: failureOf(patched, findings) };
}

function failureOf(
  patched: Awaited<ReturnType<Workshop["with"]>>,
  findings: readonly Finding[],
): string | null {
  if (patched.kind === "does-not-apply") return `does not apply: ${patched.because}`;
  const notices = findings.flatMap(({ noticed }) => noticed ?? []);
  const broken = notices.find(({ kind }) => kind === "broken");
  if (broken !== undefined) return `cannot be run: ${broken.by}`;
  return notices.length === 0 ? "survived: no test noticed it" : null;
}

function report({ mutant, findings, failure }: Verdict): void {
  const ms = findings.reduce((sum, finding) => sum + finding.ms, 0);
  if (failure !== null) {
    say(`FAILED   ${mutant.name} (src/${mutant.file}, ${seconds(ms)}) ${failure}`);
    say(`         ${mutant.why}`);
    return;
  }
  const shown = findings.filter(({ noticed }) => noticed !== null);
  say(`noticed  ${mutant.name} (src/${mutant.file}, ${seconds(ms)})`);
  for (const { detector, noticed } of shown) {
    const seed = noticed?.seed === null ? "" : `seed ${noticed?.seed}: `;
    say(`         ${detector.kind} ${detector.area}: ${seed}${noticed?.by}`.replace(" : ", ": "));
  }
}

/** A table for docs/verification.md: what noticed each mutant, with seeds where seeds were needed. */
function table(verdicts: readonly Verdict[]): string {
  const cell = (verdict: Verdict, kind: Detector["kind"]): string => {
    const notices = verdict.findings.flatMap(({ detector, noticed }) =>
      detector.kind === kind && noticed !== null ? [noticed] : [],
    );
    if (notices.length === 0) return "";
    const seeds = notices.flatMap(({ seed }) => seed ?? []);
    return seeds.length === 0 ? "yes" : `seed ${Math.min(...seeds)}`;
  };
  const rows = verdicts.map((verdict) => {
    const cells = detectorKinds.map((kind) => cell(verdict, kind));
    return `| ${[verdict.mutant.name, verdict.mutant.why, ...cells].join(" | ")} |`;
  });
  const head = `| mutant | what breaks | ${detectorKinds.join(" | ")} |`;
  return [head, `|${" --- |".repeat(2 + detectorKinds.length)}`, ...rows].join("\n");
}

/** Each workshop takes the next mutant in line when it is done with one. */
async function examineAll(
  wanted: readonly Mutant[],
  workshops: readonly Workshop[],
  usual: ReadonlyMap<Detector, number>,
): Promise<readonly Verdict[]> {
  const verdicts = new Map<Mutant, Verdict>();
  const line = [...wanted];
  const work = async (workshop: Workshop): Promise<void> => {
    for (let next = line.shift(); next !== undefined; next = line.shift()) {
      const verdict = await examine(workshop, next, usual);
      verdicts.set(next, verdict);
      report(verdict);
    }
  };
  await Promise.all(workshops.map(work));
  return wanted.flatMap((mutant) => verdicts.get(mutant) ?? []);
}

/** How many passed and failed. */
async function run(wanted: readonly Mutant[], folder: string): Promise<readonly [number, number]> {
  const jobs = Math.max(1, Math.min(wanted.length, Number(flags.jobs) || 1));
  const workshops = Array.from(
    { length: jobs },
    (_, at) => new Workshop(home, join(folder, String(at))),
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      say(`stopped by ${signal}`);
      for (const workshop of workshops) workshop.stop();
      rmSync(folder, { recursive: true, force: true });
      process.exit(1);
    });
  }
  const usual = await usualTimes(workshops[0]!, findDetectors(home));
  if (usual === null) return [0, wanted.length];
  const verdicts = await examineAll(wanted, workshops, usual);
  if (flags["all-detectors"]) say(`\n${table(verdicts)}\n`);
  const failed = verdicts.filter(({ failure }) => failure !== null);
  for (const { mutant, failure } of failed) say(`${mutant.name}: ${failure}`);
  return [verdicts.length - failed.length, failed.length];
}

const folder = mkdtempSync(join(tmpdir(), "rusty-boat-mutants-"));
try {
  const patterns = flags.only.split(",");
  const wanted = mutants.filter(({ name, file }) =>
    patterns.some((pattern) => `${file} ${name}`.includes(pattern)),
  );
  if (wanted.length === 0) say(`no mutant's file or name contains "${flags.only}"`);
  const [passed, failed] = wanted.length === 0 ? [0, 0] : await run(wanted, folder);
  say(`${passed} passed, ${failed} failed`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
