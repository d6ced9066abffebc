/** The client as it is shipped, against real nodes: the verbs, a terminal, Ctrl-C, a short bench. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { must } from "../../src/base/assert.ts";
import { historyPath } from "../../src/cli/client/history.ts";
import {
  buildExecutable,
  eventually,
  executable,
  RealCluster,
  run,
} from "../harness/real-cluster.ts";

let cluster: RealCluster;

beforeAll(async () => {
  await buildExecutable();
  cluster = await RealCluster.up({ size: 3, basePort: 17_610 });
});

afterAll(() => cluster?.destroy());

const client = (words: readonly string[], stdin = "") =>
  run(["client", ...words, "--data", cluster.folder], stdin);

/** A person at the prompt. */
class Typist {
  /** What has appeared, without what moves the cursor and paints. */
  #screen = "";
  readonly #child: Bun.Subprocess;

  constructor() {
    const decoder = new TextDecoder();
    this.#child = Bun.spawn([executable, "client", "--data", cluster.folder], {
      terminal: {
        cols: 120,
        rows: 40,
        data: (_terminal, bytes) => {
          this.#screen += decoder.decode(bytes, { stream: true });
        },
      },
    });
  }

  type(text: string): void {
    must(this.#child.terminal, "it has a terminal").write(text);
  }

  /** Waits until this has appeared since the last time. */
  async sees(text: string): Promise<void> {
    const at = await eventually(`the screen shows ${JSON.stringify(text)}`, () => {
      const found = plain(this.#screen).indexOf(text);
      return found < 0 ? null : found;
    });
    this.#screen = plain(this.#screen).slice(at + text.length);
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }
}

const escapeCharacter = String.fromCodePoint(0x1b);
const plain = (text: string): string =>
  text.replaceAll(new RegExp(`${escapeCharacter}\\[[0-9;]*[A-Za-z]`, "g"), "");

test("a value survives the trip as it is, and a retry under its name happens once", async () => {
  expect((await client(["put", "k", "--stdin"], "two\nlines\n")).exit).toBe(0);
  expect((await client(["get", "k"])).stdout).toBe("two\nlines\n");
  const { stdout } = await client(["put", "k", "v", "--json"]);
  const { index } = JSON.parse(stdout);
  // Its session was registered one entry before, and this was its first request.
  const again = await client(["put", "k", "v", "--request-id", `${index - 1}-1`, "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, index, term: null });
  const outcome = await client(["outcome", `${index - 1}-1`, "--json"]);
  expect(JSON.parse(outcome.stdout)).toMatchObject({ outcome: "applied", index });
});

test("the prompt completes, goes on after errors, takes expressions, and remembers", async () => {
  const typist = new Typist();
  await typist.sees("rusty-boat> ");
  typist.type("put color blue\r");
  await typist.sees("ok  color = blue");
  await typist.sees("rusty-boat> ");
  typist.type("get col");
  await typist.sees("get col");
  // A completion that the cluster does not answer at once is given up; a person presses the key again.
  const pressing = setInterval(() => typist.type("\t"), 400);
  await typist.sees("or ").finally(() => clearInterval(pressing));
  typist.type("\r");
  await typist.sees("blue");
  await typist.sees("rusty-boat> ");
  typist.type("get nope\r");
  await typist.sees("error[no-such-key]");
  await typist.sees("rusty-boat> ");
  typist.type('(put "x"\r');
  await typist.sees("... ");
  typist.type('"y")\r');
  await typist.sees("ok  x = y");
  await typist.sees("rusty-boat> ");
  typist.type("never sent\u0003");
  await typist.sees("^C");
  await typist.sees("rusty-boat> ");
  typist.type("\u0004");
  expect(await typist.exited).toBe(0);
  const history = await Bun.file(historyPath(cluster.folder)).text();
  expect(history).toBe('put color blue\nget color \nget nope\n(put "x" "y")\n');
});

test("Ctrl-C gives up what runs, and the prompt goes on", async () => {
  const typist = new Typist();
  await typist.sees("rusty-boat> ");
  const leader = await cluster.leader();
  for (const id of [1, 2, 3]) if (id !== leader) await cluster.act("pause", `${id}`);
  typist.type("put k w\r");
  await typist.sees("put k w");
  typist.type("\u0003");
  await typist.sees('put "k" was interrupted: nothing was done');
  await typist.sees("rusty-boat> ");
  typist.type("\u0004");
  expect(await typist.exited).toBe(0);
  for (const id of [1, 2, 3]) if (id !== leader) await cluster.act("resume", `${id}`);
  await cluster.leader();
});

test("bench measures, and fails below its floor", async () => {
  const words = ["bench", "--ops", "500", "--clients", "8", "--json"];
  const { exit, stdout, stderr } = await client(words);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ ops: 500, errors: 0, outcomesUnknown: 0 });
  expect((await client([...words, "--min-ops", "100000000"])).exit).toBe(1);
});

test("an interrupted bench prints what it measured, and exits 130", async () => {
  const commit = async () => Math.max(...(await cluster.status()).nodes.map((node) => node.commit));
  const before = await commit();
  const words = ["client", "bench", "--seconds", "60", "--warmup", "0", "--json"];
  const child = Bun.spawn([executable, ...words, "--data", cluster.folder], { stdout: "pipe" });
  await eventually("it writes", async () => ((await commit()) > before + 1000 ? "yes" : null));
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  const { ops, elapsedMs } = JSON.parse(await child.stdout.text());
  expect(ops).toBeGreaterThan(0);
  expect(elapsedMs).toBeLessThan(30_000);
});
