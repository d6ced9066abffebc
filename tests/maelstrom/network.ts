/**
 * Maelstrom's part as we play it: starts adapters as processes, carries their messages with a small delay, loses
 * those that cross a partition, and speaks to them as clients do.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { between, type Random } from "../../src/base/random.ts";
import { type JsonObject, type Message, readMessage } from "./protocol.ts";

type Adapter = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** An answer's body, or that none came in time. */
export type Answer =
  | { readonly kind: "answer"; readonly body: JsonObject }
  | { readonly kind: "silence" };

export type NetworkOptions = {
  readonly nodes: number;
  readonly folder: string;
  readonly random: Random;
  /** The program and its arguments; the node's own folder is added at the end. */
  readonly adapter: readonly string[];
};

const delayMs = { min: 0, max: 3 } as const;

export class MaelstromNetwork {
  readonly names: readonly string[];
  readonly counts = { carried: 0, lost: 0 };
  private readonly random: Random;
  private readonly adapters = new Map<string, Adapter>();
  /** Nodes with equal numbers hear each other. */
  private sides = new Map<string, number>();
  private readonly asked = new Map<number, (answer: Answer) => void>();
  private messageCount = 0;
  /** What was wrong with what nodes wrote: nothing, if all is well. */
  readonly complaints: string[] = [];
  private ending: "not-yet" | "ending" = "not-yet";

  private constructor({ nodes, folder, random, adapter }: NetworkOptions) {
    this.random = random;
    this.names = Array.from({ length: nodes }, (_, at) => `n${at}`);
    for (const name of this.names) this.start(name, adapter, join(folder, name));
  }

  /** Returns when every node has said `init_ok`. */
  static async up(options: NetworkOptions): Promise<MaelstromNetwork> {
    const network = new MaelstromNetwork(options);
    const inits = network.names.map((name) => {
      const body = { type: "init", node_id: name, node_ids: network.names };
      return network.ask({ client: "c0", node: name, body, withinMs: 10_000 });
    });
    for (const answer of await Promise.all(inits)) {
      if (answer.kind === "answer" && answer.body["type"] === "init_ok") continue;
      throw new Error(`a node did not start: ${JSON.stringify(answer)}`);
    }
    return network;
  }

  /** One request of a client. Clients are never cut off from nodes. */
  ask(request: {
    readonly client: string;
    readonly node: string;
    readonly body: JsonObject;
    readonly withinMs: number;
  }): Promise<Answer> {
    const { client, node, body, withinMs } = request;
    this.messageCount += 1;
    const id = this.messageCount;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ kind: "silence" }), withinMs);
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.asked.delete(id);
        resolve(answer);
      };
      this.asked.set(id, settle);
      this.write({ src: client, dest: node, body: { ...body, msg_id: id } });
    });
  }

  /** Only those of one group hear each other, until the next call. All in one group: no partition. */
  divide(groups: readonly (readonly string[])[]): void {
    this.sides = new Map(groups.flatMap((group, side) => group.map((name) => [name, side])));
  }

  heal(): void {
    this.divide([]);
  }

  /** Any line, to see what a node makes of it. */
  writeLine(node: string, line: string): void {
    const stdin = this.adapters.get(node)?.stdin;
    stdin?.write(`${line}\n`);
    stdin?.flush();
  }

  async end(): Promise<void> {
    this.ending = "ending";
    const exits = [...this.adapters.values()].map((adapter) => {
      adapter.stdin.end();
      return adapter.exited;
    });
    const timer = setTimeout(() => {
      for (const adapter of this.adapters.values()) adapter.kill("SIGKILL");
    }, 5000);
    await Promise.all(exits);
    clearTimeout(timer);
  }

  private start(name: string, words: readonly string[], folder: string): void {
    mkdirSync(folder, { recursive: true });
    const adapter = Bun.spawn([...words, folder], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.adapters.set(name, adapter);
    void eachLine(adapter.stdout, (line) => this.onLine(name, line));
    let last = "";
    void eachLine(adapter.stderr, (line) => {
      last = line;
    });
    void adapter.exited.then((code) => {
      if (this.ending === "not-yet") this.complaints.push(`${name} ended with ${code}: ${last}`);
    });
  }

  private onLine(from: string, line: string): void {
    const message = readMessage(line);
    if (message === null) return this.complain(from, line);
    if (message.src !== from) return this.complain(from, line);
    if (this.adapters.has(message.dest)) return this.carry(message);
    const id = message.body["in_reply_to"];
    if (typeof id !== "number") return this.complain(from, line);
    // A late answer finds nobody waiting.
    this.asked.get(id)?.({ kind: "answer", body: message.body });
  }

  private complain(from: string, line: string): void {
    this.complaints.push(`${from} wrote what is no message: ${line.slice(0, 200)}`);
  }

  /** Lost is what crosses a partition when it is sent or when it would arrive. */
  private carry(message: Message): void {
    this.counts.carried += 1;
    setTimeout(
      () => {
        if (this.isCut(message)) this.counts.lost += 1;
        else this.write(message);
      },
      between(this.random, delayMs),
    );
  }

  private isCut({ src, dest }: Message): boolean {
    return this.sides.get(src) !== this.sides.get(dest);
  }

  private write(message: Message): void {
    this.writeLine(message.dest, JSON.stringify(message));
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
}
