/**
 * Four entries on three servers, each record good or with a flipped bit: 2^12 clusters, all of them started. The
 * journals were written by a real run and sealed, so no bad byte can be an unfinished write. What must hold in each:
 *
 *   - a damaged server does not start, names the byte of its first damaged record, and changes nothing;
 *   - where a majority is undamaged all four values are read, and they are right;
 *   - where none is, nothing is answered: no value is wrong, and none that was acknowledged is silently missing.
 */
import { assert, must } from "../../src/base/assert.ts";
import { byteString, sameBytes, utf8 } from "../../src/base/bytes.ts";
import { OperatorError } from "../../src/base/error.ts";
import { decodeCommand } from "../../src/codec/command.ts";
import { fileSource } from "../../src/journal/reader.ts";
import { readSegment } from "../../src/journal/verify.ts";
import type { Reply } from "../../src/kv/command.ts";
import { SimCluster } from "../../src/sim/cluster.ts";
import type { SimDisk } from "../../src/sim/disk.ts";

export const grid = { servers: 3, entries: 4, cases: 2 ** 12 } as const;

export type Size = { readonly servers: number; readonly entries: number };

/** A cluster has so long to answer, or not to. */
const patienceMs = 4000;
const silenceMs = 2500;

export type GridOutcome = "served" | "no-quorum";

/** One server's file after the run, and where in it the records of the four entries stand. */
export type Written = {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly records: Span[];
};
type Span = { readonly at: number; readonly length: number };

const keyFor = (entry: number): string => byteString(utf8(`key-${entry}`));
const valueFor = (entry: number): Uint8Array => utf8(`value of entry ${entry}`);
const isDamaged = (of: number, record: number): boolean => ((of >> record) & 1) === 1;

/** What three servers that were given four values, and were stopped in good order, have on their disks. */
export function writeJournals({ servers, entries }: Size = grid): readonly Written[] {
  const cluster = new SimCluster({ seed: 1, servers });
  cluster.start();
  const client = cluster.client();
  for (let entry = 0; entry < entries; entry++) {
    const asked = client.ask({
      kind: "put",
      key: keyFor(entry),
      value: valueFor(entry),
      condition: { kind: "always" },
    });
    cluster.runUntil(() => (asked.result === null ? "not-yet" : "done"), patienceMs);
    assert(asked.result?.kind === "committed", "a whole cluster takes a value");
  }
  for (const server of cluster.servers.values()) server.push({ kind: "seal" });
  // Followers hear of the last commit, and everybody has been idle for long enough to seal its file.
  cluster.clock.run(2000);
  return [...cluster.servers.values()].map(({ id, disk }) =>
    written(disk, `node${id}.log`, entries),
  );
}

function written(disk: SimDisk, file: string, entries: number): Written {
  const reading = readSegment({ name: file, role: "active", source: fileSource(disk, file) });
  const records: Span[] = [];
  for (const { offset, length, record } of reading) {
    if (record.kind !== "entry" || record.entry.kind !== "command") continue;
    const command = must(decodeCommand(record.entry.body), "a command of the run");
    if (command.kind === "request") records.push({ at: offset, length });
  }
  assert(records.length === entries, "every server holds the four entries, each once");
  return { file, bytes: disk.read(file, 0, disk.size(file)), records };
}

/** Case `of`: bit server * 4 + entry says whether that record has a flipped bit. Which bit, the case decides too. */
export function playCase(journals: readonly Written[], of: number): GridOutcome {
  const cluster = new SimCluster({ seed: 1 + of, servers: grid.servers });
  let started = 0;
  journals.forEach((journal, server) => {
    const { disk } = cluster.server(server + 1);
    const bytes = damaged(journal, server, of);
    disk.create(journal.file, bytes);
    disk.sync(journal.file);
    disk.syncFolder();
    const bad = journal.records.find((_, entry) => isDamaged(of, server * grid.entries + entry));
    if (bad === undefined) {
      cluster.server(server + 1).start();
      started += 1;
    } else checkRefusal(cluster, { id: server + 1, journal, bytes, offset: bad.at });
  });
  if (started === 0) return "no-quorum";
  return started * 2 > grid.servers ? checkServed(cluster) : checkSilent(cluster);
}

/** What is left of a server's file in this case. */
export function damaged({ bytes, records }: Written, server: number, of: number): Uint8Array {
  const copy = bytes.slice();
  records.forEach(({ at, length }, entry) => {
    const record = server * records.length + entry;
    if (!isDamaged(of, record)) return;
    const bit = bitToFlip(of, record) % (length * 8);
    copy[at + (bit >> 3)]! ^= 1 << (bit & 7);
  });
  return copy;
}

/** Each of the 2048 cases that damage this record has a number of its own: over all of them, every bit is flipped. */
function bitToFlip(of: number, record: number): number {
  const below = of & ((1 << record) - 1);
  return ((of >> (record + 1)) << record) | below;
}

type Refusal = { id: number; journal: Written; bytes: Uint8Array; offset: number };

function checkRefusal(cluster: SimCluster, { id, journal, bytes, offset }: Refusal): void {
  const server = cluster.server(id);
  const error = refusalOf(() => server.start());
  assert(error !== null, `n${id} does not start with a damaged record`);
  const { code, exit, what } = error.parts;
  assert(code === "log-damaged", `n${id} calls it damage: ${code}`);
  assert(exit === 6, "the exit code says so as well");
  assert(what.endsWith(` is damaged at byte ${offset}`), `n${id} names byte ${offset}: ${what}`);
  const after = server.disk.read(journal.file, 0, server.disk.size(journal.file));
  assert(sameBytes(after, bytes), `n${id} changes nothing of what it refuses`);
  assert(server.disk.list().length === 1, `n${id} leaves no other file behind`);
}

function refusalOf(start: () => void): OperatorError | null {
  try {
    start();
    return null;
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
}

export function checkServed(cluster: SimCluster, entries: number = grid.entries): "served" {
  const client = cluster.client();
  const asked = Array.from({ length: entries }, (_, entry) =>
    client.ask({ kind: "get", key: keyFor(entry) }, { withinMs: patienceMs }),
  );
  const open = () => asked.some(({ result }) => result === null);
  cluster.runUntil(() => (open() ? "not-yet" : "done"), patienceMs);
  asked.forEach(({ result }, entry) => {
    assert(result?.kind === "committed", `a majority answers for entry ${entry}: ${result?.kind}`);
    const { reply } = result;
    assert(reply.kind === "found", `entry ${entry} is not lost: ${reply.kind}`);
    assert(sameValue(reply, entry), `entry ${entry} has its own value`);
  });
  return "served";
}

/** One undamaged server has all values, and does not vouch for them alone. What it gives as stale is not wrong. */
function checkSilent(cluster: SimCluster): "no-quorum" {
  const client = cluster.client();
  const get = { kind: "get", key: keyFor(0) } as const;
  const asked = client.ask(get, { withinMs: silenceMs - 100 });
  const stale = client.ask(get, { withinMs: silenceMs - 100, consistency: "stale" });
  cluster.clock.run(silenceMs);
  assert(cluster.leaders().length === 0, "a minority elects nobody");
  assert(asked.result?.kind === "rejected", `a minority answers nothing: ${asked.result?.kind}`);
  assert(stale.result?.kind === "committed", "what may be stale is answered by anybody");
  const { reply } = stale.result;
  const right = reply.kind === "absent" || sameValue(reply, 0);
  assert(right, "what may be stale is old, and not wrong");
  return "no-quorum";
}

const sameValue = (reply: Reply, entry: number): boolean =>
  reply.kind === "found" && sameBytes(reply.value, valueFor(entry));
