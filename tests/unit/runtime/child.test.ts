/** A command as a child process: which signals reach whom, how it ends, and who ends it when its keeper cannot. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "../../../src/base/error.ts";
import { type Child, exitOfEnd, type Grouping, startChild } from "../../../src/runtime/child.ts";
import { ends, isThere } from "../../harness/processes.ts";
import { eventually, temporaryFolder } from "../../harness/real-cluster.ts";

const folder = temporaryFolder();
const children: Child[] = [];

afterAll(() => {
  for (const child of children) child.signal("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
const fresh = (): string => join(folder, `file-${++files}`);
const textIn = (path: string): Promise<string> =>
  eventually(`${path} is written`, () =>
    existsSync(path) && readFileSync(path, "utf8").endsWith("\n")
      ? readFileSync(path, "utf8").trim()
      : null,
  );

function start(script: string, group: Grouping = "own-group"): Child {
  // What a shell has to say of signals is nobody's concern.
  const words = ["sh", "-c", `exec >/dev/null 2>&1; ${script}`];
  const child = startChild({ words, environment: { TOKEN: "7" }, graceMs: 50, group });
  children.push(child);
  return child;
}

test("it has the variables that it is given, and ends as it ends", async () => {
  const path = fresh();
  expect(await start(`echo $TOKEN > ${path}; exit 3`).ended).toEqual({ code: 3, signal: null });
  expect(await textIn(path)).toBe("7");
  const end = await start("kill -9 $$").ended;
  expect(end).toEqual({ code: null, signal: "SIGKILL" });
});

test("its exit code is its own, or 128 and the number of the signal that ended it", () => {
  expect(exitOfEnd({ code: 3, signal: null })).toBe(3);
  const of = (signal: string) => exitOfEnd({ code: null, signal });
  expect(["SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"].map(of)).toEqual([129, 130, 137, 143]);
});

for (const group of ["own-group", "shared-group"] as const) {
  test(`${group}: what ends it reaches what it has started, also when it has ended itself`, async () => {
    const [above, below] = [fresh(), fresh()];
    const stubborn = `sh -c 'trap "" TERM; echo $$ > ${below}; while :; do sleep 0.02; done'`;
    const child = start(`${stubborn} & echo $! > ${above}; wait; :`, group);
    const pid = Number(await textIn(below));
    child.signal("SIGTERM");
    expect((await child.ended).signal).toBe("SIGTERM");
    expect(isThere(pid)).toBe(true);
    child.signal("SIGKILL");
    await ends(pid);
  });

  test(`${group}: SIGUSR1 is for it alone`, async () => {
    const [above, below] = [fresh(), fresh()];
    const child = start(
      `trap 'echo usr1 > ${above}' USR1; sh -c 'echo $$ > ${below}; while :; do sleep 0.02; done' & wait; wait`,
      group,
    );
    const pid = Number(await textIn(below));
    child.signal("SIGUSR1");
    expect(await textIn(above)).toBe("usr1");
    expect(isThere(pid)).toBe(true);
    child.signal("SIGKILL");
    await ends(pid);
  });
}

test("in the terminal's group, it is not sent what the terminal sends", async () => {
  const path = fresh();
  const child = start(
    `trap 'echo int >> ${path}' INT; trap 'echo usr1 >> ${path}; exit 0' USR1; echo up >> ${path}; while :; do sleep 0.02; done`,
    "shared-group",
  );
  await textIn(path);
  child.signal("SIGINT");
  child.signal("SIGUSR1");
  await child.ended;
  expect(await textIn(path)).toBe("up\nusr1");
});

/** A keeper in a process of its own. `started` tells when it has started this script, and said so to its guard. */
function keeper(script: string, after: "waits" | "exits") {
  const path = fresh();
  const source = join(import.meta.dir, "../../../src/runtime/child.ts");
  writeFileSync(
    `${path}.ts`,
    `import { startChild } from ${JSON.stringify(source)};
    const words = ["sh", "-c", ${JSON.stringify(`exec >/dev/null 2>&1; ${script}`)}];
    const child = startChild({ words, environment: {}, graceMs: 50, group: "own-group" });
    process.stdout.write("started");
    await child.ended;
    if (${JSON.stringify(after)} === "waits") setInterval(() => {}, 1000);`,
  );
  const over = Bun.spawn([process.execPath, `${path}.ts`], { stdin: "ignore", stdout: "pipe" });
  return { over, started: over.stdout.getReader().read() };
}

test("whose keeper is killed is asked to end, and then made to", async () => {
  const [path, heard] = [fresh(), fresh()];
  const { over, started } = keeper(
    `trap 'echo term > ${heard}' TERM; echo $$ > ${path}; while :; do sleep 0.02; done`,
    "waits",
  );
  const pid = Number(await textIn(path));
  await started;
  over.kill("SIGKILL");
  expect(await textIn(heard)).toBe("term");
  await ends(pid);
});

test("that has ended leaves alone what it has left running, also when its keeper ends", async () => {
  const [path, witness] = [fresh(), fresh()];
  const still = `trap 'echo term > ${witness}; exit' TERM; echo $$ > ${path}; while :; do sleep 0.02; done`;
  const { over } = keeper(
    `sh -c "${still.replaceAll("$", "\\$")}" & while [ ! -s ${path} ]; do :; done`,
    "exits",
  );
  const pid = Number(await textIn(path));
  expect(await over.exited).toBe(0);
  // Its guard had its word by then; one that acts all the same has done so before a command of the same kind is over.
  await ends(await killedPid());
  expect([isThere(pid), existsSync(witness)]).toEqual([true, false]);
  process.kill(pid, "SIGKILL");
});

/** The number of a command that a guard has ended. */
async function killedPid(): Promise<number> {
  const path = fresh();
  const { over, started } = keeper(`echo $$ > ${path}; exec sleep 60`, "waits");
  const pid = Number(await textIn(path));
  await started;
  over.kill("SIGKILL");
  return pid;
}

test("what cannot be started says why, as shells do", () => {
  const failing = (...words: string[]) => {
    try {
      startChild({ words, environment: {}, graceMs: 50, group: "own-group" });
    } catch (error) {
      if (error instanceof OperatorError) return [error.parts.code, error.parts.exit];
    }
    return null;
  };
  expect(failing(join(folder, "nothing"))).toEqual(["no-such-command", 127]);
  expect(failing(folder)).toEqual(["command-not-executable", 126]);
});
