/** A cluster that is one store in this process, and `rusty-boat client` run against it. */

import { concat, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, type Millis, millis, nodeId, term } from "../../../src/base/numbers.ts";
import { clientGroup } from "../../../src/cli/client/client.ts";
import { targetWords } from "../../../src/cli/client/connection.ts";
import type { Cluster, Connection, Place } from "../../../src/cli/client/place.ts";
import { group } from "../../../src/cli/command.ts";
import { run } from "../../../src/cli/run.ts";
import type { SignalName } from "../../../src/cli/signals.ts";
import type { NodeReport, Request, RequestId, Result } from "../../../src/client/request.ts";
import { type Command, limits } from "../../../src/kv/command.ts";
import { apply, emptyStore, read } from "../../../src/kv/store.ts";
import type { StatusAnswer } from "../../../src/runtime/ask.ts";
import type { Delivery } from "../../../src/runtime/watch.ts";

export const report = (id: number, contact: NodeReport["contact"]): NodeReport => ({
  id: nodeId(id),
  address: { host: "127.0.0.1", port: 7100 + id },
  contact,
});

export type Manner =
  /** Every request is applied and answered. */
  | "answers"
  /** Writes are applied, and their answers are lost. */
  | "loses-answers"
  /** Nothing is answered until it is given up; nothing has an effect. */
  | "hangs"
  | ((request: Request) => Result);

export class FakeCluster implements Cluster {
  manner: Manner = "answers";
  readonly store = emptyStore();
  readonly requests: Request[] = [];
  readonly #held: (() => void)[] = [];
  #index = 0;
  #session: { id: number; next: number } | null = null;
  #now = 0;

  get now(): Millis {
    return millis(this.#now);
  }

  submit(request: Request, done: (result: Result) => void): void {
    this.requests.push(request);
    if (this.manner === "hangs") {
      const because = { kind: "no-leader" } as const;
      this.#held.push(() => done({ kind: "rejected", because, requestId: null, nodes: [] }));
      return;
    }
    queueMicrotask(() => {
      this.#now += 1.94;
      done(this.#answer(request));
    });
  }

  /** Somebody else writes, through the log. */
  write(key: string, text: string): void {
    const condition = { kind: "always" } as const;
    const operation = { kind: "put", key, value: utf8(text), condition } as const;
    this.#apply({ kind: "request", ...this.#nextId(), acknowledged: 1, operation });
  }

  remove(key: string): void {
    const operation = { kind: "delete", key } as const;
    this.#apply({ kind: "request", ...this.#nextId(), acknowledged: 1, operation });
  }

  giveUp(): void {
    for (const end of this.#held.splice(0)) end();
  }

  close(): void {}

  #answer(request: Request): Result {
    if (typeof this.manner === "function") return this.manner(request);
    const { operation, consistency } = request;
    const isRead = operation.kind === "get" || operation.kind === "list";
    if (isRead && consistency !== "logged") {
      const reply = read(this.store, operation, logIndex(this.#index));
      const at = { index: logIndex(this.#index), term: term(3) };
      return { kind: "committed", reply, ...at, requestId: null };
    }
    const id = request.again ?? this.#nextId();
    const reply = this.#apply({ kind: "request", ...id, acknowledged: 1, operation });
    const nodes = [report(1, { kind: "answered", said: { kind: "leads" } })];
    if (reply.kind === "session-unknown") {
      return { kind: "unknown", because: "session-lost", requestId: id, nodes };
    }
    if (this.manner === "loses-answers" && request.again === null) {
      return { kind: "unknown", because: "deadline", requestId: id, nodes };
    }
    const at = { index: logIndex(this.#index), term: term(3) };
    return { kind: "committed", reply, ...at, requestId: id };
  }

  /**
   * Nothing is acknowledged, so that every answer is kept; a session is left before its window is
   * full.
   */
  #nextId(): RequestId {
    if (this.#session === null || this.#session.next >= limits.sessionWindow) {
      this.#apply({ kind: "register", nonce: 1 });
      this.#session = { id: this.#index, next: 1 };
    }
    return { session: this.#session.id, sequence: this.#session.next++ };
  }

  #apply(command: Command) {
    this.#index++;
    return apply(this.store, { index: logIndex(this.#index), time: millis(0), command });
  }
}

export type Setting = {
  readonly cluster?: FakeCluster;
  readonly stdin?: string | Uint8Array;
  readonly stdout?: "terminal" | "pipe";
  readonly environment?: Readonly<Record<string, string>>;
  readonly connection?: Partial<Connection>;
  readonly status?: readonly StatusAnswer[];
};

export type Ran = {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Uint8Array;
  /** What a script reads where something failed under --json. */
  readonly error: Readonly<Record<string, unknown>>;
};

class Sink {
  readonly parts: Uint8Array[] = [];
  write(bytes: string | Uint8Array): void {
    this.parts.push(typeof bytes === "string" ? utf8(bytes) : bytes.slice());
  }
  flush(): void {}
}

/** A watch that has these deliveries, and then is closed. */
export function watchOf(deliveries: readonly Delivery[]) {
  const left = [...deliveries];
  const next = async (): Promise<Delivery> => left.shift() ?? { kind: "closed" };
  return { next, close: () => undefined };
}

export function placeFor(setting: Setting): Place {
  const cluster = setting.cluster ?? new FakeCluster();
  const input = typeof setting.stdin === "string" ? utf8(setting.stdin) : setting.stdin;
  return {
    connect: async (texts) => ({
      cluster,
      words: targetWords(texts),
      source: "data/cluster.json",
      supervisorWords: [],
      secret: "without-secret",
      openWatch: async () => watchOf([]),
      interruption: () => null,
      interrupted: new Promise<SignalName>(() => undefined),
      close: () => undefined,
      ...setting.connection,
    }),
    target: null,
    askStatus: async () => setting.status ?? [],
    stdin: {
      all: async () => input ?? new Uint8Array(0),
      parts: async function* () {
        // In pieces, as a pipe gives them: lines and letters are cut anywhere.
        for (let at = 0; at < (input?.length ?? 0); at += 7) yield input!.subarray(at, at + 7);
      },
    },
    valueEnd: "newline-on-terminal",
  };
}

/** `client` with these words. */
export async function client(words: readonly string[], setting: Setting = {}): Promise<Ran> {
  const command = clientGroup(placeFor(setting));
  const root = group({
    name: "rusty-boat",
    description: "",
    examples: [],
    commands: { client: async () => command },
  });
  const stdout = new Sink();
  const stderr = new Sink();
  const exit = await run(root, {
    words: ["client", ...words],
    environment: setting.environment ?? {},
    stdin: "pipe",
    stdout: { sink: stdout, kind: setting.stdout ?? "pipe" },
    stderr: { sink: stderr, kind: "pipe" },
  });
  const text = (sink: Sink) => new TextDecoder().decode(concat(sink.parts));
  const complaint = text(stderr);
  return {
    exit,
    stdout: text(stdout),
    stderr: complaint,
    bytes: concat(stdout.parts),
    get error() {
      return JSON.parse(complaint).error;
    },
  };
}
