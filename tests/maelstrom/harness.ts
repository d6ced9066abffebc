/**
 * The lin-kv workload against nodes that speak Maelstrom's protocol: per key some clients that read and some that
 * write and compare-and-set values 0 to 4, each client bound to one node, partitions all the while. What came of it
 * is a history for the checker: a definite error says that nothing was done, and is believed; after an indefinite
 * one, or none, the request may still happen, and the client goes on under another name.
 */
import type { Random } from "../../src/base/random.ts";
import { checkHistory, explain } from "../../src/sim/linearizability.ts";
import { type CellAction, type CellOperation, cells } from "../../src/sim/linearizability-cell.ts";
import type { Recorded } from "../../src/sim/linearizability-model.ts";
import type { Answer, MaelstromNetwork } from "./network.ts";
import { errorCodes, isIndefinite, type JsonObject } from "./protocol.ts";

export type WorkloadOptions = {
  readonly keys: number;
  readonly seconds: number;
  readonly partitionEveryMs: number;
  /** A client rests up to so long between requests. */
  readonly restMsMax: number;
  readonly random: Random;
};

export type Outcome = {
  readonly verdict: "linearizable" | string;
  readonly operations: number;
  readonly ok: number;
  readonly refused: number;
  readonly definite: number;
  readonly indefinite: number;
  readonly partitions: number;
};

const values = 5;
/** As Maelstrom's clients: a second at least. */
const answerMsMax = 1000;

type Run = WorkloadOptions & {
  readonly network: MaelstromNetwork;
  readonly history: Recorded<CellOperation>[];
  readonly counts: { ok: number; refused: number; definite: number; indefinite: number };
  state: "on" | "off";
  /** Calls and returns, in the order in which they were seen. */
  moment: number;
  names: number;
};

export async function runWorkload(
  network: MaelstromNetwork,
  options: WorkloadOptions,
): Promise<Outcome> {
  const counts = { ok: 0, refused: 0, definite: 0, indefinite: 0 };
  const run: Run = {
    ...{ ...options, network, history: [], counts },
    ...{ state: "on", moment: 0, names: 0 },
  };
  const clients = Array.from({ length: options.keys }, (_, key) =>
    network.names.flatMap((node) => [
      client(run, key, node, "reads"),
      client(run, key, node, "writes"),
    ]),
  ).flat();
  const partitions = await disturb(run);
  run.state = "off";
  await Promise.all(clients);
  const model = cells(null);
  const verdict = checkHistory(run.history, model);
  return {
    ...counts,
    verdict: verdict.kind === "linearizable" ? verdict.kind : explain(verdict, model),
    operations: run.history.length,
    partitions,
  };
}

/** A partition, then none, in turn; in the end all is healed. Says how many there were. */
async function disturb({ network, random, seconds, partitionEveryMs }: Run): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let partitions = 0;
  while (performance.now() + partitionEveryMs < end) {
    await Bun.sleep(partitionEveryMs / 2);
    const first = random.below(network.names.length);
    const around = [...network.names.slice(first), ...network.names.slice(0, first)];
    const cut = 1 + random.below(around.length - 1);
    network.divide([around.slice(0, cut), around.slice(cut)]);
    partitions += 1;
    await Bun.sleep(partitionEveryMs / 2);
    network.heal();
  }
  await Bun.sleep(Math.max(0, end - performance.now()));
  return partitions;
}

async function client(
  run: Run,
  key: number,
  node: string,
  habit: "reads" | "writes",
): Promise<void> {
  const { network, random, restMsMax } = run;
  let process = newName(run);
  while (run.state === "on") {
    const asked = habit === "reads" ? ({ type: "read" } as const) : someChange(random);
    run.moment += 1;
    const called = run.moment;
    const body: JsonObject = { ...asked, key };
    const answer = await network.ask({ client: process, node, body, withinMs: answerMsMax });
    run.moment += 1;
    const known = learn(run, { process, key, asked, called }, answer);
    if (known === "in-doubt") process = newName(run);
    await Bun.sleep(random.below(restMsMax + 1));
  }
}

function newName(run: Run): string {
  run.names += 1;
  return `c${run.names}`;
}

type Change =
  | { readonly type: "read" }
  | { readonly type: "write"; readonly value: number }
  | { readonly type: "cas"; readonly from: number; readonly to: number };

function someChange(random: Random): Change {
  if (random.below(3) === 0) return { type: "write", value: random.below(values) };
  return { type: "cas", from: random.below(values), to: random.below(values) };
}

type Call = {
  readonly process: string;
  readonly key: number;
  readonly asked: Change;
  readonly called: number;
};

/** Writes down what is known now of a call. */
function learn(run: Run, call: Call, answer: Answer): "known" | "in-doubt" {
  const { process, key, asked, called } = call;
  const { body } = answer.kind === "answer" ? answer : { body: { type: "error", code: 0 } };
  const { type, code } = body as { readonly type: string; readonly code?: number };
  const write = (action: CellAction, returned: number | null): void => {
    run.history.push({ process, called, returned, operation: { key: `${key}`, action } });
  };
  if (type !== "error") {
    if (type !== `${asked.type}_ok`) throw new Error(`${asked.type}: ${JSON.stringify(body)}`);
    run.counts.ok += 1;
    write(done(asked, body), run.moment);
    return "known";
  }
  if (code === undefined) throw new Error(`an error without a code: ${JSON.stringify(body)}`);
  const refused = refusal(asked, code);
  if (refused !== null) {
    run.counts.refused += 1;
    write(refused, run.moment);
    return "known";
  }
  if (!isIndefinite(code)) {
    run.counts.definite += 1;
    return "known";
  }
  run.counts.indefinite += 1;
  if (asked.type !== "read") write(undecided(asked), null);
  return "in-doubt";
}

function done(asked: Change, body: JsonObject): CellAction {
  switch (asked.type) {
    case "read":
      return { kind: "read", value: `${body["value"]}` };
    case "write":
      return { kind: "write", value: `${asked.value}` };
    case "cas":
      return { kind: "cas", from: `${asked.from}`, to: `${asked.to}`, outcome: "done" };
  }
}

/** Two errors tell of the state. */
function refusal(asked: Change, code: number): CellAction | null {
  if (asked.type === "read") {
    return code === errorCodes.keyDoesNotExist ? { kind: "read", value: null } : null;
  }
  if (asked.type !== "cas") return null;
  // Of an absent key, more is known than that it does not hold `from`: it holds nothing.
  if (code === errorCodes.keyDoesNotExist) return { kind: "read", value: null };
  if (code !== errorCodes.preconditionFailed) return null;
  return { kind: "cas", from: `${asked.from}`, to: `${asked.to}`, outcome: "refused" };
}

function undecided(asked: Exclude<Change, { type: "read" }>): CellAction {
  if (asked.type === "write") return { kind: "write", value: `${asked.value}` };
  return { kind: "cas", from: `${asked.from}`, to: `${asked.to}`, outcome: "unknown" };
}
