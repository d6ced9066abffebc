/**
 * MIT 6.5840, lab 4A: the replicated state machine. The names are the course's. Its `Inc` is a put under a name of
 * its own here, through the real client half; that every server applies the same is the lab's check after each step.
 */
import { expect, test } from "bun:test";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import type { Operation } from "../../src/kv/command.ts";
import type { Asked, SimClient } from "../../src/sim/client.ts";
import { Lab } from "./lab.ts";

const put = (name: string): Operation => ({
  kind: "put",
  key: byteString(utf8(name)),
  value: utf8(name),
  condition: { kind: "absent" },
});

const kinds = (asked: readonly Asked[]) => asked.map(({ result }) => result?.kind);
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

/** What was put under these names is there, once each: "absent" was the condition. */
function expectAll(lab: Lab, client: SimClient, names: readonly string[]): void {
  const reads = names.map((name) => client.ask({ kind: "get", key: byteString(utf8(name)) }));
  expect(lab.settle(reads, 5000)).toBe("settled");
  for (const [at, { result }] of reads.entries()) {
    expect(result).toMatchObject({ reply: { kind: "found", value: utf8(names[at]!) } });
  }
}

function expectWritten(asked: readonly Asked[]): void {
  for (const { result } of asked) expect(result).toMatchObject({ reply: { kind: "written" } });
}

/** Every server has applied all that any one has. */
function expectLevel(lab: Lab): void {
  lab.wait(Math.max(...lab.all.map((at) => lab.lastIndex(at))), lab.count);
}

test("Basic4A: ten commands, one after the other, reach all servers", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  for (let at = 0; at < 10; at++) {
    const asked = client.ask(put(`c${at}`));
    expect(lab.settle([asked], 5000)).toBe("settled");
    expectWritten([asked]);
  }
  expectLevel(lab);
});

test("Concurrent4A: fifty clients at once", () => {
  const lab = new Lab({ servers: 3 });
  const asked = times(50, (at) => lab.client().client.ask(put(`c${at}`)));
  expect(lab.settle(asked, 5000)).toBe("settled");
  expectWritten(asked);
  expectLevel(lab);
});

test("LeaderFailure4A: a lost leader costs no command, and comes back level", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  const before = client.ask(put("before"));
  lab.settle([before], 5000);
  const leader = lab.checkOneLeader();
  lab.disconnect(leader);
  const without = client.ask(put("without"));
  expect(lab.settle([without], 5000)).toBe("settled");
  expectWritten([before, without]);
  lab.connect(leader);
  lab.sleep(1000);
  expectLevel(lab);
  expectAll(lab, client, ["before", "without"]);
});

test("LeaderPartition4A: a hundred commands in a minority complete there never, and each once afterwards", () => {
  const lab = new Lab({ servers: 3 });
  const [outside, inside] = [lab.client(), lab.client()];
  lab.settle([outside.client.ask(put("a")), inside.client.ask(put("b"))], 5000);
  const leader = lab.checkOneLeader();
  const others = [lab.address(leader + 1), lab.address(leader + 2)];
  lab.partition([lab.address(leader), inside.end], [...others, outside.end]);

  const names = times(100, (at) => `dec${at}`);
  const decs = names.map((name) => inside.client.ask(put(name), { withinMs: 30_000 }));
  const progress = outside.client.ask(put("progress"));
  expect(lab.settle([progress], 5000)).toBe("settled");
  expectWritten([progress]);
  lab.sleep(2000);
  expect(new Set(kinds(decs))).toEqual(new Set([undefined]));

  // The course's server gives its waiting commands back within a second. Here the client goes on with them: what the
  // old leader had taken is replaced, and each of them happens once, in the same second.
  lab.heal();
  expect(lab.settle(decs, 1500)).toBe("settled");
  expectWritten(decs);
  expectLevel(lab);
  expectAll(lab, outside.client, names);
});

test("RestartReplay4A: after a hundred commands all servers restart, and hold what they held", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  const names = times(100, (at) => `c${at}`);
  for (const name of names) expect(lab.settle([client.ask(put(name))], 5000)).toBe("settled");
  const applied = lab.lastIndex(lab.checkOneLeader());
  for (const at of lab.all) lab.crash(at);
  for (const at of lab.all) lab.restart(at);
  const after = client.ask(put("after"));
  expect(lab.settle([after], 5000)).toBe("settled");
  expectWritten([after]);
  expectLevel(lab);
  expect(lab.lastIndex(0)).toBeGreaterThan(applied);
  expectAll(lab, client, [...names, "after"]);
});

test("Shutdown4A: when all servers are gone, every command is over at its deadline, and none is called done", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  lab.settle([client.ask(put("first"))], 5000);
  for (const at of lab.all) lab.crash(at);
  const asked = times(10, (at) => client.ask(put(`c${at}`), { withinMs: 2000 }));
  expect(lab.settle(asked, 2100)).toBe("settled");
  for (const kind of kinds(asked)) expect(["rejected", "unknown"]).toContain(kind!);
});

test("Shutdown4A with commands under way: what was taken and not answered is unknown, or was never done", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  lab.settle([client.ask(put("first"))], 5000);
  const names = times(10, (at) => `c${at}`);
  const asked = names.map((name) => client.ask(put(name), { withinMs: 2000 }));
  lab.sleep(2);
  for (const at of lab.all) lab.crash(at);
  expect(lab.settle(asked, 2100)).toBe("settled");
  for (const at of lab.all) lab.restart(at);
  const reads = names.map((name) => client.ask({ kind: "get", key: byteString(utf8(name)) }));
  expect(lab.settle(reads, 8000)).toBe("settled");
  for (const [at, { result }] of reads.entries()) {
    if (result?.kind !== "committed") throw new Error("a restarted cluster answers");
    const { kind } = asked[at]!.result!;
    if (kind === "committed") expect(result.reply.kind).toBe("found");
    if (kind === "rejected") expect(result.reply.kind).toBe("absent");
  }
});

test("RestartSubmit4A: commands go on while all servers restart, and each happens once", () => {
  const lab = new Lab({ servers: 3 });
  const { client } = lab.client();
  const names: string[] = [];
  const asked: Asked[] = [];
  for (let round = 0; round < 5; round++) {
    for (let at = 0; at < 20; at++) {
      names.push(`c${round}-${at}`);
      asked.push(client.ask(put(names.at(-1)!), { withinMs: 20_000 }));
      lab.sleep(20);
    }
    for (const at of lab.all) lab.crash(at);
    for (const at of lab.all) lab.restart(at);
  }
  expect(lab.settle(asked, 10_000)).toBe("settled");
  expectWritten(asked);
  expectLevel(lab);
  expectAll(lab, client, names);
});
