/** Words that the tests of the client half share. */
import { utf8 } from "../../../src/base/bytes.ts";
import type { Result, Ticket } from "../../../src/client/request.ts";
import type { Operation } from "../../../src/kv/command.ts";
import type { FakeCluster } from "./fake-cluster.ts";

export function put(value: string, key = "k"): Operation {
  return { kind: "put", key, value: utf8(value), condition: { kind: "always" } };
}

export const get: Operation = { kind: "get", key: "k" };

/** The result in a word or three. */
export function summary(result: Result | undefined): string {
  switch (result?.kind) {
    case undefined:
      return "open";
    case "committed":
      return `committed ${result.reply.kind}`;
    case "rejected":
      return `rejected ${result.because.kind}`;
    case "unknown":
      return `unknown ${result.because}`;
    case "status":
      return `status ${result.text}`;
  }
}

export const outcome = (world: FakeCluster, ticket: Ticket): string =>
  summary(world.results.get(ticket));
