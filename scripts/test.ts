/**
 * All tests: `bun scripts/test.ts [quick] [sim] [cluster]`. Those in one process run side by side; those with real processes after
 * them, one file at a time, because they measure what a user would feel. The last line counts all of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const home = dirname(import.meta.dir);

type Suite = { readonly name: string; readonly words: readonly string[] };

const suites: readonly Suite[] = [
  {
    name: "quick",
    words: [
      "--parallel=2",
      "tests/tidy.test.ts",
      "tests/unit/",
      "tests/contract/",
      "tests/scenarios/",
      "tests/mutants/",
    ],
  },
  { name: "sim", words: ["--parallel=2", "tests/sim/"] },
  { name: "cluster", words: ["--timeout=120000", "tests/cluster/"] },
];

type Counts = { passed: number; failed: number; skipped: number };

/** The counts of one run, as its report gives them; null where it wrote none. */
function countsIn(report: string): Counts | null {
  const attribute = (name: string): number =>
    Number(new RegExp(`<testsuites[^>]*\\b${name}="(\\d+)"`).exec(report)?.[1] ?? Number.NaN);
  const [tests, failures, skipped] = [
    attribute("tests"),
    attribute("failures"),
    attribute("skipped"),
  ];
  if ([tests, failures, skipped].some(Number.isNaN)) return null;
  return { passed: tests - failures - skipped, failed: failures, skipped };
}

async function runSuite(suite: Suite, folder: string): Promise<Counts> {
  const outfile = join(folder, `${suite.name}.xml`);
  const child = Bun.spawn(
    [
      ...[process.execPath, "test", "--only-failures"],
      ...["--reporter=junit", `--reporter-outfile=${outfile}`],
      ...suite.words,
    ],
    { cwd: home, stdin: "ignore", stdout: "inherit", stderr: "inherit" },
  );
  const code = await child.exited;
  const counts = await Bun.file(outfile)
    .text()
    .then(countsIn, () => null);
  if (counts === null) return { passed: 0, failed: 1, skipped: 0 };
  // A file that could not be loaded fails the run without being a failed test.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

const folder = mkdtempSync(join(tmpdir(), "rusty-boat-tests-"));
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
try {
  const wanted = process.argv.slice(2);
  for (const suite of suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const began = performance.now();
    const counts = await runSuite(suite, folder);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`${suite.name} tests took ${seconds} s\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
