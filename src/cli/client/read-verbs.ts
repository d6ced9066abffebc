/** `client get`, and how a read is answered. */
import { unreachable } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { Consistency } from "../../client/request.ts";
import type { Operation } from "../../kv/command.ts";
import { form } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { durationFlag } from "../flag.ts";
import type { Environment } from "../walk.ts";
import { chosen } from "./choice.ts";
import { keyJson, nameOf } from "./notation.ts";
import { checkOperation, perform, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { refusedReply } from "./refusal.ts";
import { wordKey } from "./value-source.ts";

export const consistencyArgs = {
  any: {
    type: "boolean",
    description:
      "Asks any node, not the leader first; sees every write acknowledged before all the same",
  },
  stale: {
    type: "boolean",
    description: "Answered by any node from what it has; may lag behind what was acknowledged",
  },
  "max-staleness": {
    type: "string",
    valueHint: "duration",
    description:
      "Stale, but at most this old: a node that does not know it is asks its leader first",
  },
  logged: { type: "boolean", description: "Goes through the log, and is visible in it" },
} as const;

type ConsistencyTexts = {
  readonly any: boolean | undefined;
  readonly stale: boolean | undefined;
  readonly "max-staleness": string | undefined;
  readonly logged: boolean | undefined;
};

export type Wanted = { readonly consistency: Consistency; readonly ageMsMax?: number };

export function consistencyOf(texts: ConsistencyTexts, environment: Environment): Wanted {
  const bound = texts["max-staleness"];
  const choice = chosen(
    [
      ["--any", texts.any === true],
      ["--stale", texts.stale === true && bound === undefined],
      ["--max-staleness", bound !== undefined],
      ["--logged", texts.logged === true],
    ],
    environment,
  );
  switch (choice) {
    case "--any":
      return { consistency: "anywhere" };
    case "--stale":
      return { consistency: "stale" };
    case "--max-staleness": {
      const ageMsMax = durationFlag({ source: "--max-staleness", value: bound ?? "" });
      return { consistency: "stale", ageMsMax };
    }
    case "--logged":
      return { consistency: "logged" };
    case null:
      return { consistency: "linearizable" };
    default:
      return unreachable(choice);
  }
}

export const getCommand = (place: Place): Command =>
  command({
    name: "get",
    description: "Print a key's value. Exit 1 where it has none.",
    args: {
      key: { type: "positional", required: true, description: "The key" },
      ...consistencyArgs,
      rev: { type: "boolean", description: "Print its revision instead of its value" },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client get color", does: "sees every write acknowledged before" },
      { line: "rusty-boat client get photo > boat.jpg", does: "exactly its bytes" },
      { line: "rusty-boat client get color --rev", does: "for put --if-rev" },
      { line: "rusty-boat client get color --stale", does: "also where there is no leader" },
      { line: "rusty-boat client get color --max-staleness 2s", does: "or no answer at all" },
    ],
    async run({ args, program }) {
      const wanted = consistencyOf(args, program.environment);
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = { kind: "get", key: wordKey(args.key) } as const;
      checkOperation(operation);
      const name = nameOf(operation);
      const task = { name, operation, ...wanted, again: null, timeoutMs, line: null };
      return connected(place, args, (connection) => {
        const scene = { place, connection, program };
        return args.rev === true ? performRevision(scene, task) : perform(scene, task);
      });
    },
  });

type GetTask = Parameters<typeof settle>[1] & {
  readonly operation: Extract<Operation, { kind: "get" }>;
};

async function performRevision(scene: Scene, task: GetTask): Promise<CommandExit> {
  const settled = await settle(scene, task);
  if (settled.kind === "interrupted") return settled.exit;
  const { reply } = settled;
  if (reply.kind !== "found") {
    throw refusedReply({ ...task, connection: scene.connection, retry: null }, null, reply);
  }
  const { revision } = reply;
  const { key } = task.operation;
  await scene.program.output.result({
    text: () => `${revision}`,
    json: () => ({ ok: true, key: keyJson(key), rev: revision }),
    sexpr: () => form("rev", revision),
  });
  return exits.done;
}
