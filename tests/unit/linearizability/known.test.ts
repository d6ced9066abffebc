/** Recorded histories with known verdicts, ours and those of others where they are at hand (../shared/oracles). */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { judgeHistory } from "../../../src/sim/linearizability.ts";
import { modelOf, readHistory } from "../../../src/sim/linearizability-text.ts";

function verdictOn(text: string): string {
  const read = readHistory(text);
  if (read.kind === "malformed") return `line ${read.line}: ${read.why}`;
  return judgeHistory(read.history.records, modelOf(read.history.kind));
}

/** Short for a line of a jepsen log: process, type, operation, value. */
const log = (...lines: readonly string[]): string =>
  lines
    .map(
      (line) =>
        `INFO  jepsen.util - ${line.replaceAll(" :", "\t:").replace(/ (?=[^\t]*$)/, "\t")}\n`,
    )
    .join("");

const registers: readonly {
  readonly claim: string;
  readonly history: string;
  readonly verdict: "linearizable" | "not-linearizable";
}[] = [
  {
    claim: "a register holds nil at first",
    history: log("0 :invoke :read nil", "0 :ok :read nil"),
    verdict: "linearizable",
  },
  {
    claim: "a read after a write has returned sees it",
    history: log("0 :invoke :write 1", "0 :ok :write 1", "1 :invoke :read nil", "1 :ok :read nil"),
    verdict: "not-linearizable",
  },
  {
    claim: "a read beside a write may see either",
    history: log("0 :invoke :write 1", "1 :invoke :read nil", "1 :ok :read nil", "0 :ok :write 1"),
    verdict: "linearizable",
  },
  {
    claim: "a write that timed out may happen long after it",
    history: log(
      ...["0 :invoke :write 1", "0 :info :write :timed-out", "1 :invoke :read nil"],
      ...["1 :ok :read nil", "1 :invoke :read nil", "1 :ok :read 1"],
    ),
    verdict: "linearizable",
  },
  {
    claim: "but not twice",
    history: log(
      ...["0 :invoke :write 1", "0 :info :write :timed-out", "1 :invoke :read nil"],
      ...["1 :ok :read 1", "1 :invoke :write 2", "1 :ok :write 2"],
      ...["1 :invoke :read nil", "1 :ok :read 2", "1 :invoke :read nil", "1 :ok :read 1"],
    ),
    verdict: "not-linearizable",
  },
  {
    claim: "a write that failed has not happened",
    history: log("0 :invoke :write 1", "0 :fail :write 1", "1 :invoke :read nil", "1 :ok :read 1"),
    verdict: "not-linearizable",
  },
  {
    claim: "a compare-and-set is not refused by what it expects",
    history: log(
      ...["0 :invoke :write 1", "0 :ok :write 1", "1 :invoke :cas [1 2]", "1 :fail :cas [1 2]"],
    ),
    verdict: "not-linearizable",
  },
  {
    claim: "one that timed out happens only if it finds what it expects",
    history: log(
      ...[
        "0 :invoke :write 1",
        "0 :ok :write 1",
        "1 :invoke :cas [3 2]",
        "1 :info :cas :timed-out",
      ],
      ...["0 :invoke :read nil", "0 :ok :read 2"],
    ),
    verdict: "not-linearizable",
  },
  {
    claim: "a read that timed out says nothing",
    history: log("0 :invoke :read nil", "0 :fail :read :timed-out"),
    verdict: "linearizable",
  },
];

test.each([...registers])("$claim", ({ history, verdict }) => {
  expect(verdictOn(history)).toBe(verdict);
});

test("keys are judged one by one, an absent one holds the empty text, and appends are in order", () => {
  const one = (value: string): string =>
    [
      '{:process 0, :type :invoke, :f :append, :key "k", :value "x"}',
      '{:process 0, :type :ok, :f :append, :key "k", :value "x"}',
      '{:process 1, :type :invoke, :f :get, :key "other", :value nil}',
      '{:process 0, :type :invoke, :f :append, :key "k", :value "y"}',
      '{:process 1, :type :ok, :f :get, :key "other", :value ""}',
      '{:process 1, :type :invoke, :f :get, :key "k", :value nil}',
      `{:process 1, :type :ok, :f :get, :key "k", :value "${value}"}`,
    ].join("\n");
  expect(verdictOn(one("x"))).toBe("linearizable");
  expect(verdictOn(one("xy"))).toBe("linearizable");
  expect(verdictOn(one("yx"))).toBe("not-linearizable");
  expect(verdictOn(one(""))).toBe("not-linearizable");
});

describe("what is malformed is named by its line", () => {
  const good = "INFO  jepsen.util - 0\t:invoke\t:read\tnil";
  const get = '{:process 0, :type :invoke, :f :get, :key "k", :value nil}';
  const bad: readonly (readonly [string, string, number])[] = [
    ["an empty file", "\n\n", 1],
    ["a line of something else", `${good}\nhello`, 2],
    ["an unknown operation", `${good}\nINFO  jepsen.util - 1\t:invoke\t:swap\t1`, 2],
    ["an unknown type", `${good}\n\nINFO  jepsen.util - 1\t:maybe\t:read\tnil`, 3],
    ["a return without a call", `${good}\nINFO  jepsen.util - 1\t:ok\t:read\t1`, 2],
    ["a return of something else", `${good}\nINFO  jepsen.util - 0\t:ok\t:write\t1`, 2],
    ["a compare-and-set of one value", "INFO  jepsen.util - 0\t:invoke\t:cas\t3", 1],
    ["a pair that does not end", "INFO  jepsen.util - 0\t:invoke\t:cas\t[3 4", 1],
    ["a map that does not end", `${get}\n{:process 1, :type :invoke`, 2],
    ["a text that does not end", `${get}\n{:process 1, :type :invoke, :f :get, :key "k}`, 2],
    ["an event without a key", `${get}\n{:process 1, :type :invoke, :f :get}`, 2],
    ["the other notation", `${get}\n${good}`, 2],
  ];
  test.each([...bad])("%s", (_, text, line) => {
    expect(readHistory(text)).toMatchObject({ kind: "malformed", line });
  });
});

const oracles = `${import.meta.dir}/../../../../shared/oracles`;
if (existsSync(oracles)) {
  describe("others' verdicts", () => {
    const jepsen = `${oracles}/jepsen-etcd`;
    const verdicts = new Map(
      readFileSync(`${jepsen}/verdicts.txt`, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
    const logs = readdirSync(jepsen).filter((file) => file.endsWith(".log"));
    test(`on ${logs.length} logs of etcd under jepsen`, () => {
      expect(logs.length).toBeGreaterThan(40);
      for (const file of logs) {
        const number = `${Number(/\d+/.exec(file)?.[0])}`;
        const verdict = verdicts.get(number) === "true" ? "linearizable" : "not-linearizable";
        expect(`${file} ${verdictOn(readFileSync(`${jepsen}/${file}`, "utf8"))}`).toBe(
          `${file} ${verdict}`,
        );
      }
    });

    test.each(["c01-ok", "c01-bad", "c10-ok", "c10-bad"])("on %s", (name) => {
      const text = readFileSync(`${oracles}/${name}.txt`, "utf8");
      expect(verdictOn(text)).toBe(name.endsWith("-ok") ? "linearizable" : "not-linearizable");
    });
  });
} else {
  test.skip("others' verdicts: skipped, ../shared/oracles is not here", () => {});
}
