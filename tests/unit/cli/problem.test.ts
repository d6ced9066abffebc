/** Failures as people and scripts read them: the block and the JSON of docs/cli.md. */
import { expect, test } from "bun:test";
import { AssertionError } from "../../../src/base/assert.ts";
import { OperatorError } from "../../../src/base/error.ts";
import { command, group } from "../../../src/cli/command.ts";
import { ClosedPipe, Output, type Sink } from "../../../src/cli/output.ts";
import { paintFor, plain, visible } from "../../../src/cli/paint.ts";
import { formatProblem, operatorError } from "../../../src/cli/problem.ts";
import { runWords } from "./support.ts";

const noQuorum = new OperatorError({
  code: "no-quorum",
  what: 'put "color" was not accepted',
  why: "2 of 5 nodes answered and 3 are needed (1 follower, 4 candidate; 2 refused; 3, 5 silent for 2 s)",
  fix: ["rusty-boat cluster restart 2", "wait longer: --timeout 10s"],
  exit: 4,
  applied: "no",
  meaning: "nothing was written, a retry is safe",
});

test("an error says what, why and how to mend it, in one block", () => {
  expect(formatProblem(noQuorum, "text", plain)).toBe(
    `error[no-quorum]: put "color" was not accepted
  why  2 of 5 nodes answered and 3 are needed (1 follower, 4 candidate; 2 refused; 3, 5 silent for 2 s)
  fix  rusty-boat cluster restart 2      or wait longer: --timeout 10s
  exit 4: nothing was written, a retry is safe`,
  );
});

test("the same as JSON has the names that scripts rely on", () => {
  expect(formatProblem(noQuorum, "json", plain)).toBe(
    '{"error":{"code":"no-quorum","message":"put \\"color\\" was not accepted",' +
      '"why":"2 of 5 nodes answered and 3 are needed (1 follower, 4 candidate; 2 refused; 3, 5 silent for 2 s)",' +
      '"fix":["rusty-boat cluster restart 2","wait longer: --timeout 10s"],' +
      '"applied":"no","retryable":true,"exit":4}}',
  );
});

test("an unknown outcome may be retried, and is applied unknown", () => {
  const parts = { ...noQuorum.parts, exit: 5 as const, applied: "unknown" as const };
  const { error } = JSON.parse(formatProblem(new OperatorError(parts), "json", plain));
  expect(error).toMatchObject({ applied: "unknown", retryable: true, exit: 5 });
});

test("remedies too long for one line stand below each other", () => {
  const parts = { ...noQuorum.parts, fix: ["a".repeat(70), "b".repeat(70)] };
  const lines = formatProblem(new OperatorError(parts), "text", plain).split("\n");
  expect(lines[2]).toBe(`  fix  ${"a".repeat(70)}`);
  expect(lines[3]).toBe(`   or  ${"b".repeat(70)}`);
});

test("what comes from outside cannot drive the terminal", () => {
  const parts = { ...noQuorum.parts, what: 'no "\u001b[2J\n\u202e"' };
  const text = formatProblem(new OperatorError(parts), "text", plain);
  expect(text.split("\n")[0]).toBe('error[no-quorum]: no "\\x1b[2J\\x0a\\u{202e}"');
  expect(visible("plain äöü 漢字")).toBe("plain äöü 漢字");
});

const failing = (thrown: unknown) =>
  group({
    name: "rusty-boat",
    description: "",
    examples: [],
    commands: {
      fail: async () =>
        command({
          name: "fail",
          description: "",
          examples: [],
          args: {},
          run: () => Promise.reject(thrown),
        }),
    },
  });

test("the operator's problem goes to stderr alone and chooses the exit code", async () => {
  const { exit, stdout, stderr } = await runWords(failing(noQuorum), ["fail"]);
  expect(exit).toBe(4);
  expect(stdout).toBe("");
  expect(stderr).toStartWith("error[no-quorum]");
});

test("broken code ends with 70, says so, and shows where", async () => {
  for (const thrown of [new AssertionError("a term never goes back"), new TypeError("x is null")]) {
    const { exit, stderr } = await runWords(failing(thrown), ["fail"]);
    expect(exit).toBe(70);
    expect(stderr).toContain("error[bug]");
    expect(stderr).toContain(thrown.message);
    expect(stderr).toContain("report it");
    expect(stderr).toContain("problem.test.ts");
  }
  expect(operatorError("text").parts.exit).toBe(70);
});

const closedSink: Sink = {
  write: () => undefined,
  flush: () => Promise.reject(Object.assign(new Error("broken pipe"), { code: "EPIPE" })),
};

test("a reader that has gone away is told apart from every other failure", () => {
  const output = new Output({ sink: closedSink, format: "text", stream: "pipe", paint: plain });
  return expect(output.flush()).rejects.toBeInstanceOf(ClosedPipe);
});

test("colours are for terminals, and NO_COLOR forbids them whatever it says", () => {
  const painted = (stream: "terminal" | "pipe", environment: Record<string, string>) =>
    paintFor({ stream, wish: "auto", environment }).red("x") !== "x";
  expect(painted("terminal", {})).toBe(true);
  expect(painted("terminal", { NO_COLOR: "" })).toBe(true);
  expect(painted("terminal", { NO_COLOR: "0" })).toBe(false);
  expect(painted("terminal", { TERM: "dumb" })).toBe(false);
  expect(painted("pipe", {})).toBe(false);
});

test("stdout and stderr are judged separately", async () => {
  const error = await runWords(failing(noQuorum), ["fail"], { stderr: "terminal" });
  expect(error.stderr).toContain("\u001b[31m");
  const help = await runWords(failing(noQuorum), ["--help"], { stderr: "terminal" });
  expect(help.stdout).not.toContain("\u001b");
});

test("--color and --no-color outrank what the streams are", async () => {
  const always = await runWords(failing(noQuorum), ["fail", "--color"]);
  expect(always.stderr).toContain("\u001b[31m");
  const never = await runWords(failing(noQuorum), ["fail", "--no-color"], { stderr: "terminal" });
  expect(never.stderr).not.toContain("\u001b");
});
