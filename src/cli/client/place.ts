/**
 * Where a verb runs: on the command line, where it finds the cluster by its own flags and signals
 * end it, or at the prompt, where all verbs share one session. Tests are a third place, with a
 * cluster that is none.
 */
import type { Millis } from "../../base/numbers.ts";
import { later } from "../../base/numbers.ts";
import type { Consistency, RequestId, Result } from "../../client/request.ts";
import type { Operation } from "../../kv/command.ts";
import { type AskStatus, askStatus } from "../../runtime/ask.ts";
import type { ClusterClient } from "../../runtime/client.ts";
import type { WatchStream, WatchWish } from "../../runtime/watch.ts";
import { durationFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import { formatDuration } from "../quantity.ts";
import type { SignalName } from "../signals.ts";
import { type TargetTexts, targetArgs } from "../target.ts";
import { openConnection } from "./connection.ts";
import { readAllOfStdin } from "./value-source.ts";

/** What a verb needs of the client half. */
export type Cluster = Pick<ClusterClient, "now" | "submit" | "giveUp" | "close">;

export type Connection = {
  readonly cluster: Cluster;
  /** Flags that lead a later command to the same cluster, for remedies that can be pasted. */
  readonly words: readonly string[];
  /** How the nodes were found, in words. */
  readonly source: string;
  /**
   * Flags by which `cluster` finds the nodes' supervisor on this machine; null where they have none
   * here.
   */
  readonly supervisorWords: readonly string[] | null;
  readonly secret: "with-secret" | "without-secret";
  /** A watch of its own, at the same nodes. */
  readonly openWatch: (wish: WatchWish) => Promise<Pick<WatchStream, "next" | "close">>;
  /** The signal that cut the work short, if any; and the moment at which it comes. */
  readonly interruption: () => SignalName | null;
  readonly interrupted: Promise<SignalName>;
  /** Called when the verb has done its work. */
  readonly close: () => void;
};

export type Stdin = {
  /** Everything, up to a little more than a value may have. */
  readonly all: () => Promise<Uint8Array>;
  readonly parts: () => AsyncIterable<Uint8Array>;
};

export type Place = {
  readonly connect: (texts: TargetTexts) => Promise<Connection>;
  /**
   * Where the prompt's own flags lead, which its verbs share; null where each verb has flags of its
   * own.
   */
  readonly target: TargetTexts | null;
  readonly askStatus: AskStatus;
  /** Null where standard input carries the commands. */
  readonly stdin: Stdin | null;
  /** What stands behind a value that is printed alone. */
  readonly valueEnd: "newline-on-terminal" | "newline";
};

export const commandLine: Place = {
  connect: openConnection,
  target: null,
  askStatus,
  stdin: { all: readAllOfStdin, parts: () => Bun.stdin.stream() },
  valueEnd: "newline-on-terminal",
};

export const limits = { timeoutMsMin: 1, timeoutMsMax: 60 * 60 * 1000 } as const;

export const clientArgs = {
  ...targetArgs,
  timeout: {
    type: "string",
    valueHint: "duration",
    default: "5s",
    description: "When an unanswered request is given up",
  },
} as const;

export function timeoutFlag(value: string): number {
  const ms = durationFlag({ source: "--timeout", value });
  if (ms >= limits.timeoutMsMin && ms <= limits.timeoutMsMax) return ms;
  const span = `${formatDuration(limits.timeoutMsMin)} to ${formatDuration(limits.timeoutMsMax)}`;
  throw badValue({
    source: "--timeout",
    value,
    expected: `a duration from ${span}`,
    example: "--timeout 5s",
  });
}

export type Question = {
  readonly operation: Operation;
  readonly consistency: Consistency;
  /** A stale answer that may be older is none. */
  readonly ageMsMax?: number;
  readonly again: RequestId | null;
  readonly timeoutMs: number;
};

export function ask(cluster: Cluster, question: Question): Promise<Result> {
  const { operation, consistency, again, timeoutMs, ageMsMax } = question;
  const bound = ageMsMax === undefined ? {} : { ageMsMax };
  const deadline: Millis = later(cluster.now, timeoutMs);
  return new Promise((resolve) =>
    cluster.submit({ operation, consistency, again, deadline, ...bound }, resolve),
  );
}

/** Runs with a connection that is closed whatever happens. */
export async function connected<T>(
  place: Place,
  texts: TargetTexts,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await place.connect(texts);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}
