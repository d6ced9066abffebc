/**
 * The simulator as a detector: `bun tests/mutants/campaign.ts A B` examines the seeds from A to B, one after the
 * other, and fails at the first that shows something wrong, by its name. `bun run simulate` goes on and shrinks.
 */
import { examine } from "../../src/sim/campaign/examine.ts";

const [from, to] = process.argv.slice(2).map(Number);
for (let seed = from ?? 1; seed <= (to ?? 1); seed++) {
  process.stdout.write(`seed ${seed}\n`);
  const { failure } = examine(seed);
  if (failure === null) continue;
  process.stdout.write(`(fail) ${failure.invariant} ${failure.sentence}: ${failure.what}\n`);
  process.exit(1);
}
