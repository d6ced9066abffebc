/**
 * Who may notice a seeded bug: parts of the test suite, each a command that fails, cheap ones first. What is of the
 * mutant's own area comes before the rest.
 */
import { join } from "node:path";
import { Glob } from "bun";
import { areaOf, type Mutant } from "./mutant.ts";

/**
 * "units": tables, sentences, contracts. "scenarios": Raft over time, as text. "explorer": random runs of a part,
 * Raft alone, the client half alone, the simulator's own checkers. "simulator": whole clusters under all faults.
 */
export const detectorKinds = ["units", "scenarios", "explorer", "simulator"] as const;
export type DetectorKind = (typeof detectorKinds)[number];

export type Detector = {
  readonly kind: DetectorKind;
  /** The area whose tests these are; "" for all. */
  readonly area: string;
  /** Arguments of bun. */
  readonly words: readonly string[];
};

/** Seeds of the simulator that a mutant has to survive. */
const simulatorSeeds = 150;

const explorers = [
  "unit/raft/explore.test.ts",
  "unit/client/chaos.test.ts",
  "unit/sim/planted.test.ts",
];
/** A share of the simulator's seeds, which is asked itself. */
const shares = ["unit/sim/campaign.test.ts"];
const scenarios = "unit/raft/scenarios.test.ts";
const apart = new Set([...explorers, ...shares, scenarios]);

/** Areas whose tests are as near as those of the mutant's own. */
const neighbours: Readonly<Record<string, readonly string[]>> = {
  sim: ["contract", "journal"],
  runtime: ["contract"],
};

const areas = ["raft", "journal", "replica", "codec", "kv", "client", "sim", "runtime", "contract"];

/** All detectors of the tree at `home`. */
export function findDetectors(home: string): readonly Detector[] {
  const tests = join(home, "tests");
  const units = areas.map((area): Detector => {
    const folder = area === "contract" ? area : `unit/${area}`;
    const files = [...new Glob(`${folder}/*.test.ts`).scanSync(tests)].sort();
    const words = testWords(files.filter((file) => !apart.has(file)));
    return { kind: "units", area, words };
  });
  return [
    ...units,
    { kind: "scenarios", area: "raft", words: testWords([scenarios]) },
    ...explorers.map((file): Detector => {
      const area = file.split("/")[1] ?? "";
      return { kind: "explorer", area, words: testWords([file]) };
    }),
    { kind: "simulator", area: "", words: ["tests/mutants/campaign.ts", "1", `${simulatorSeeds}`] },
  ];
}

const testWords = (files: readonly string[]): readonly string[] => [
  "test",
  "--bail",
  "--timeout=60000",
  ...files.map((file) => `./tests/${file}`),
];

/** Those that are tried for a mutant, in order. */
export function detectorsFor(mutant: Mutant, all: readonly Detector[]): readonly Detector[] {
  const area = areaOf(mutant);
  const near = [area, ...(neighbours[area] ?? [])];
  const rank = (detector: Detector): number => {
    const far = near.includes(detector.area) ? 0 : detectorKinds.length;
    return far + detectorKinds.indexOf(detector.kind);
  };
  return [...all].sort((a, b) => rank(a) - rank(b));
}
