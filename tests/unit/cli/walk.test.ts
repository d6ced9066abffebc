/** The command line as people type it: what citty would get wrong, and what must be refused. */
import { describe, expect, test } from "bun:test";
import { type Around, probeTree, runWords } from "./support.ts";

const typed = (line: string, around?: Around) => runWords(probeTree, line.split(" "), around);
const seen = async (line: string, around?: Around) =>
  JSON.parse((await typed(line, around)).stdout);
const refused = async (line: string) => {
  const { exit, stderr, stdout } = await typed(`${line} --json`);
  expect(exit).toBe(2);
  expect(stdout).toBe("");
  return JSON.parse(stderr).error as { code: string; message: string; why: string; fix: string[] };
};

describe("plain words", () => {
  const values: readonly [line: string, value: string][] = [
    ["client put k v", "v"],
    ["client put k -5", "-5"],
    ["client put k -.5", "-.5"],
    ["client put k -", "-"],
    ["client put k -- --help", "--help"],
    ["client put -- k -x", "-x"],
    ["-- client put k --json", "--json"],
  ];
  test.each(values)("%s writes %p", async (line, value) => {
    expect((await seen(line)).value).toBe(value);
  });

  test("an empty argument is an argument", async () => {
    const { stdout } = await runWords(probeTree, ["client", "put", "k", ""]);
    expect(JSON.parse(stdout).value).toBe("");
  });

  test("words beyond the named ones reach a command that wants them, behind -- flags too", async () => {
    expect(await seen("client lock it -- sh -c --json")).toEqual({
      name: "it",
      rest: ["sh", "-c", "--json"],
    });
  });
});

describe("flags", () => {
  test("global flags count before, between and after the words", async () => {
    for (const line of [
      "--sexpr client put k v",
      "client --sexpr put k v",
      "client put k v --sexpr",
    ]) {
      expect((await typed(line)).stdout).toBe('(put "k" "v")\n');
    }
    expect((await seen("--data=x client put k v")).data).toBe("x");
    expect((await seen("--data x client put k v")).data).toBe("x");
  });

  test("a value may follow, be joined by =, be a negative number; a flag may be its letter", async () => {
    expect((await seen("client put k v --ttl 5s")).ttl).toBe("5s");
    expect((await seen("client put k v --ttl=-x")).ttl).toBe("-x");
    expect((await seen("client put k v --ttl -5")).ttl).toBe("-5");
    expect((await seen("client put -t 5s k v")).ttl).toBe("5s");
    expect((await seen("client put k v --ttl=")).ttl).toBe("");
  });

  test("of a repeated flag the last one counts", async () => {
    expect((await seen("client put k v --ttl 1s --ttl 2s")).ttl).toBe("2s");
    expect((await seen("client put k v --if-absent --no-if-absent")).absent).toBe(false);
  });

  test("a switch takes a word for on or off only", async () => {
    expect((await seen("client put k v --if-absent=yes")).absent).toBe(true);
    expect((await seen("client put k v --if-absent=0")).absent).toBe(false);
    expect((await refused("client put k v --if-absent=maybe")).code).toBe("bad-value");
  });

  test("only a switch is negated: --no-color takes nothing away, --no-ttl is unknown", async () => {
    expect((await seen("client put k --no-color v")).value).toBe("v");
    expect((await refused("client put k v --no-ttl")).code).toBe("unknown-flag");
  });
});

describe("what is refused", () => {
  test("an unknown flag, with the nearest one", async () => {
    const error = await refused("client put k v --tll 5s");
    expect(error.code).toBe("unknown-flag");
    expect(error.fix[0]).toBe("--ttl");
  });

  test("a long flag with one dash", async () => {
    expect((await refused("client put k v -ttl 5s")).fix[0]).toBe("--ttl");
  });

  test("an unknown command, with the nearest one", async () => {
    const error = await refused("client pt k v");
    expect(error.code).toBe("unknown-command");
    expect(error.fix[0]).toBe("rusty-boat client put");
  });

  test("the name of something that every object has is no command", async () => {
    expect((await refused("constructor")).code).toBe("unknown-command");
    expect((await refused("client put k v --constructor")).code).toBe("unknown-flag");
  });

  test("a surplus argument is named", async () => {
    const error = await refused("client put k v w");
    expect(error.code).toBe("surplus-argument");
    expect(error.message).toContain('"w"');
  });

  test("a missing argument is named, with the usage", async () => {
    const error = await refused("client put k");
    expect(error.message).toBe("rusty-boat client put needs VALUE");
    expect(error.fix[0]).toBe("rusty-boat client put KEY VALUE");
    expect((await refused("client lock it")).message).toContain("COMMAND");
  });

  test("a flag without its value, also when another flag or -- follows", async () => {
    for (const line of ["client put k v --ttl", "client put k v --ttl --if-absent"]) {
      expect((await refused(line)).code).toBe("missing-value");
    }
    const { exit } = await typed("client put k v --ttl -- w");
    expect(exit).toBe(2);
  });

  test("a value that is none of the choices, with the nearest one", async () => {
    expect((await refused("client put k v --mode fats")).fix).toEqual(["--mode=fast"]);
  });

  test("two notations at once", async () => {
    expect((await refused("client put k v --sexpr")).code).toBe("two-formats");
  });

  test("a group without a command", async () => {
    expect((await refused("tools")).code).toBe("missing-command");
  });
});

describe("help and version", () => {
  test("a group with a default command runs it, and nothing besides", async () => {
    expect((await typed("client")).stdout).toBe("prompt ran\n");
  });

  test("every level shows its own usage and examples on stdout", async () => {
    const leaf = await typed("client put --help");
    expect(leaf.exit).toBe(0);
    expect(leaf.stdout).toContain("rusty-boat client put KEY VALUE");
    expect(leaf.stdout).toContain("rusty-boat client put color blue  writes blue");
    expect(leaf.stdout).toContain("-t, --ttl DURATION");
    expect(leaf.stdout).toContain("RUSTY_BOAT_TTL");
    expect((await typed("help client")).stdout).toBe((await typed("client -h")).stdout);
  });

  test("help wins over what is wrong elsewhere", async () => {
    expect((await typed("client put --bogus --help")).exit).toBe(0);
  });

  test("no words at all show the help", async () => {
    const { exit, stdout } = await runWords(probeTree, []);
    expect(exit).toBe(0);
    expect(stdout).toContain("Commands\n  client");
  });

  test("the version, alone and as JSON", async () => {
    expect((await typed("--version")).stdout).toMatch(/^rusty-boat \d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await typed("--version --json")).stdout)).toHaveProperty("version");
  });
});

describe("the environment", () => {
  const environment = {
    RUSTY_BOAT_TTL: "9s",
    RUSTY_BOAT_IF_ABSENT: "1",
    RUSTY_BOAT_DATA: "elsewhere",
  };

  test("gives flags that are not given", async () => {
    const value = await seen("client put k v", { environment });
    expect(value).toMatchObject({ ttl: "9s", absent: true, data: "elsewhere", mode: "safe" });
  });

  test("yields to a flag beside it", async () => {
    const line = "client put k v --ttl 1s --no-if-absent --data here";
    expect(await seen(line, { environment })).toMatchObject({
      ttl: "1s",
      absent: false,
      data: "here",
    });
  });

  test("an empty variable is not set", async () => {
    const value = await seen("client put k v", { environment: { RUSTY_BOAT_TTL: "" } });
    expect(value.ttl).toBeNull();
  });

  test("a variable that cannot be right is named", async () => {
    const wrong = { RUSTY_BOAT_MODE: "slow" };
    expect((await typed("client put k v", { environment: wrong })).stderr).toContain(
      'RUSTY_BOAT_MODE cannot be "slow"',
    );
  });

  test("chooses the notation of errors, too", async () => {
    const json = { environment: { RUSTY_BOAT_JSON: "1" } };
    expect(JSON.parse((await typed("client pt", json)).stderr).error.code).toBe("unknown-command");
  });

  test("a notation that is typed outranks the one of the environment", async () => {
    const { exit, stderr } = await typed("client put k v --sexpr", {
      environment: { RUSTY_BOAT_JSON: "1" },
    });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  });
});
