/** A cluster of real processes, started from the executable as it is shipped, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "../../src/base/assert.ts";
import { byteString, textOf, utf8 } from "../../src/base/bytes.ts";
import { millis, nodeId } from "../../src/base/numbers.ts";
import type { RequestId, Result } from "../../src/client/request.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import type { Operation } from "../../src/kv/command.ts";
import { ClusterClient } from "../../src/runtime/client.ts";

const home = dirname(dirname(import.meta.dir));
export const executable = join(home, "dist", "rusty-boat");

/** Builds the executable, if a source is newer. Call it once per test file. */
export async function buildExecutable(): Promise<void> {
  const build = Bun.spawn([process.execPath, join(home, "scripts", "build.ts"), "--if-stale"], {
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await build.exited) !== 0) throw new Error("the executable cannot be built");
}

export type Ran = { readonly exit: number; readonly stdout: string; readonly stderr: string };

/** Runs a command of the executable to its end. */
export async function run(words: readonly string[], stdin = ""): Promise<Ran> {
  const child = Bun.spawn([executable, ...words], {
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exit: await child.exited, stdout, stderr };
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "rusty-boat-"));

/** Waits for something to become true; says what it was when it does not in time. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadline)
      throw new Error(`in ${withinMs} ms it did not happen: ${what}`);
    await Bun.sleep(20);
  }
}

export type NodeStatus = {
  readonly id: number;
  readonly address: string;
  readonly pid: number | null;
  readonly reachable: boolean;
  readonly role: string | null;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly last: number;
};

export type Status = {
  readonly leader: number | null;
  readonly term: number;
  readonly nodes: readonly NodeStatus[];
};

export class RealCluster {
  readonly folder: string;
  readonly size: number;
  readonly basePort: number;
  readonly clusterId: number;
  private readonly supervisor: Bun.Subprocess<"ignore", "pipe", "pipe">;

  private constructor(parts: {
    folder: string;
    size: number;
    basePort: number;
    clusterId: number;
    supervisor: Bun.Subprocess<"ignore", "pipe", "pipe">;
  }) {
    this.folder = parts.folder;
    this.size = parts.size;
    this.basePort = parts.basePort;
    this.clusterId = parts.clusterId;
    this.supervisor = parts.supervisor;
  }

  /** Returns when the cluster has said that it is ready. */
  static async up(options: {
    size: number;
    basePort: number;
    folder?: string;
    /** More flags of `cluster up`. */
    flags?: readonly string[];
  }): Promise<RealCluster> {
    const { size, basePort, folder = temporaryFolder(), flags = [] } = options;
    const words = ["cluster", "up", `${size}`, "--data", folder, "--base-port", `${basePort}`];
    words.push(...flags);
    const supervisor = Bun.spawn([executable, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const reader = supervisor.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!/^ready /m.test(said)) {
      const { value, done } = await reader.read();
      if (done)
        throw new Error(`the cluster did not come up: ${said}${await supervisor.stderr.text()}`);
      said += value;
    }
    // The rest is read and dropped, so that the supervisor never waits for a reader.
    void (async () => {
      while (!(await reader.read()).done);
    })();
    const file = await Bun.file(join(folder, "cluster.json")).json();
    const clusterId = Number.parseInt(file.cluster, 16);
    return new RealCluster({ folder, size, basePort, clusterId, supervisor });
  }

  file(id: number): string {
    return join(this.folder, `node${id}.log`);
  }

  async status(): Promise<Status> {
    const { stdout } = await run(["cluster", "status", "--json", "--data", this.folder]);
    return JSON.parse(stdout);
  }

  /** The leader that a quorum knows, once there is one other than `not`. */
  leader(not: number | null = null): Promise<number> {
    return eventually("a leader", async () => {
      const { leader } = await this.status();
      return leader === not ? null : leader;
    });
  }

  act(...words: readonly string[]): Promise<Ran> {
    return run(["cluster", ...words, "--data", this.folder]);
  }

  async pid(id: number): Promise<number> {
    const { nodes } = await this.status();
    return must(nodes.find((node) => node.id === id)?.pid, `node ${id} runs`);
  }

  /** The words that start the executable. */
  get executableWords(): readonly string[] {
    return [executable];
  }

  /** Knows the nodes that there were at first; of later ones it learns. */
  client(): Promise<ClusterClient> {
    const nodes = Array.from({ length: this.size }, (_, at) => ({
      id: nodeId(at + 1),
      address: { host: "127.0.0.1", port: this.basePort + at },
    }));
    return ClusterClient.open({
      nodes,
      cluster: this.clusterId,
      keys: noKeys,
      datagramBytesMax: 60_000,
    });
  }

  /** Ctrl-C. The exit code of `cluster up`. */
  interrupt(): Promise<number> {
    this.supervisor.kill("SIGINT");
    return this.supervisor.exited;
  }

  async destroy(): Promise<void> {
    this.supervisor.kill("SIGKILL");
    await this.supervisor.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const keyOf = (text: string): string => byteString(utf8(text));

/** One request to its end. */
export const ask = (
  client: ClusterClient,
  operation: Operation,
  how: { withinMs?: number; again?: RequestId | null } = {},
): Promise<Result> =>
  client.ask({
    operation,
    consistency: "linearizable",
    deadline: millis(client.now + (how.withinMs ?? 10_000)),
    again: how.again ?? null,
  });

/** The text under a key, or null where there is none. Throws where nobody answers. */
export async function textAt(client: ClusterClient, key: string): Promise<string | null> {
  const result = await ask(client, { kind: "get", key: keyOf(key) });
  if (result.kind !== "committed") throw new Error(`get ${key}: ${JSON.stringify(result)}`);
  return result.reply.kind === "found" ? textOf(result.reply.value) : null;
}

export async function putText(client: ClusterClient, key: string, text: string): Promise<void> {
  const condition = { kind: "always" } as const;
  const result = await ask(client, { kind: "put", key: keyOf(key), value: utf8(text), condition });
  if (result.kind !== "committed") throw new Error(`put ${key}: ${JSON.stringify(result)}`);
}
