/** Plays tests/scenarios. `REWRITE=1` writes down what happens: commit only what you can explain. */
import { expect, test } from "bun:test";
import { Glob } from "bun";
import { runScenario } from "../../harness/scenario.ts";
import { parse, render } from "../../harness/scenario-text.ts";

const folder = `${import.meta.dir}/../../scenarios`;
const linesMax = 60;

for (const name of [...new Glob("*.txt").scanSync(folder)].sort()) {
  test(`scenario ${name}`, async () => {
    const text = await Bun.file(`${folder}/${name}`).text();
    const played = render(runScenario(parse(text)));
    if (process.env["REWRITE"] === "1") await Bun.write(`${folder}/${name}`, played);
    else expect(played).toBe(text);
    expect(played.split("\n").length - 1, "longer is two files").toBeLessThan(linesMax);
  });
}
