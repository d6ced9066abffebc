/** How long the program takes to start: to say its version, and to serve with a long log. */
import { cpSync, rmSync } from "node:fs";
import { byteString, utf8 } from "../../src/base/bytes.ts";
import { millis, nodeId } from "../../src/base/numbers.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import { ClusterClient } from "../../src/runtime/client.ts";
import { temporaryFolder } from "../measure/cluster.ts";
import { preparedCluster, prepareLogs } from "../measure/prepared.ts";
import { executable, output, say } from "../measure/programs.ts";
import { median, summary } from "../measure/statistics.ts";
import { counted, number } from "../measure/table.ts";
import { bounded, type Row, toldOnly } from "./row.ts";

export const goals = { versionMs: 60, startMs: 3000 } as const;

const address = { host: "127.0.0.1", port: 17_790 };
const patienceMs = 120_000;

export async function versionRow(times: number): Promise<Row> {
  const took: number[] = [];
  await output([executable, "--version"]);
  for (let time = 0; time < times; time++) {
    const began = performance.now();
    await output([executable, "--version"]);
    took.push(performance.now() - began);
  }
  const { median: middle, min, max } = summary(took);
  const range = `${number(min)} to ${number(max)}, ${counted(times, "time")}`;
  const figure = { value: middle, shown: `median ${number(middle)} ms (${range})` };
  return bounded("--version", figure, { value: goals.versionMs, shown: `${goals.versionMs} ms` });
}

/** Milliseconds after the process was asked for. `journalMs` is what the node itself says that reading took. */
type Start = {
  readonly journalMs: number;
  readonly listensMs: number;
  readonly servesMs: number;
};

/** One node that is a cluster by itself: nobody else takes its processor, and it serves as soon as it can. */
export async function startRows(entries: number, turns: number): Promise<readonly Row[]> {
  const shelf = temporaryFolder();
  try {
    prepareLogs(shelf, 1, { entries, keys: 10_000, valueBytes: 64 });
    const starts: Start[] = [];
    while (starts.length < turns) {
      starts.push(await startFrom(shelf));
      say(`start with ${number(entries)} entries: ${number(starts.at(-1)?.servesMs ?? 0)} ms`);
    }
    return rowsOf(entries, starts);
  } finally {
    rmSync(shelf, { recursive: true, force: true });
  }
}

function rowsOf(entries: number, starts: readonly Start[]): readonly Row[] {
  const start = `start with ${number(entries)} entries in the log`;
  const middle = (of: (start: Start) => number): number => median(starts.map(of));
  const shown = (ms: number): string =>
    `median ${number(ms)} ms, ${counted(starts.length, "time")}`;
  const listens = middle(({ listensMs }) => listensMs);
  const goal = { value: goals.startMs, shown: `${number(goals.startMs)} ms` };
  return [
    bounded(`${start}, until it listens`, { value: listens, shown: shown(listens) }, goal),
    toldOnly(`${start}, reading the journal alone`, shown(middle(({ journalMs }) => journalMs))),
    toldOnly(
      `${start}, until a put is acknowledged; its election timeout is part of it`,
      shown(middle(({ servesMs }) => servesMs)),
    ),
  ];
}

async function startFrom(shelf: string): Promise<Start> {
  const folder = temporaryFolder();
  cpSync(shelf, folder, { recursive: true });
  const listen = `${address.host}:${address.port}`;
  const place = ["--id", "1", "--listen", listen, "--data", folder, preparedCluster.flag];
  const words = [executable, "node", ...place, "--snapshot-every", "1000000000"];
  const began = performance.now();
  const child = Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  try {
    const lines = linesOf(child.stderr);
    const back = await lineWith(lines, /has read back \d+ entries up to term \d+ in (\d+) ms/);
    await lineWith(lines, /listens on/);
    const listensMs = performance.now() - began;
    await firstPut();
    return { journalMs: Number(back[1]), listensMs, servesMs: performance.now() - began };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstPut(): Promise<void> {
  const nodes = [{ id: nodeId(1), address }];
  const cluster = preparedCluster.id;
  const client = await ClusterClient.open({
    nodes,
    cluster,
    keys: noKeys,
    datagramBytesMax: 60_000,
  });
  const key = byteString(utf8("bench-1"));
  const condition = { kind: "always" } as const;
  const { kind } = await client.ask({
    operation: { kind: "put", key, value: utf8("there"), condition },
    ...({ consistency: "linearizable", again: null } as const),
    deadline: millis(client.now + patienceMs),
  });
  client.close();
  if (kind !== "committed") throw new Error(`the first put is ${kind}`);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function lineWith(lines: AsyncGenerator<string>, wanted: RegExp): Promise<RegExpExecArray> {
  const seen: string[] = [];
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the node did not start: ${seen.join("; ")}`);
    seen.push(value);
    const found = wanted.exec(value);
    if (found !== null) return found;
  }
}
