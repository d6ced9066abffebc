/** `client get` and `client ls`. */
import { must } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { Consistency } from "../../client/request.ts";
import { type Item, limits, type Operation } from "../../kv/command.ts";
import { form } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import type { Environment } from "../walk.ts";
import { chosen } from "./choice.ts";
import { keyJson, nameOf } from "./notation.ts";
import { checkOperation, perform, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { refusedReply } from "./refusal.ts";
import { showListed } from "./shown.ts";
import { wordKey } from "./value-source.ts";

const consistencyArgs = {
  stale: {
    type: "boolean",
    description: "Answered by any node from what it has; may lag behind what was acknowledged",
  },
  logged: { type: "boolean", description: "Goes through the log, and is visible in it" },
} as const;

type ConsistencyTexts = {
  readonly stale: boolean | undefined;
  readonly logged: boolean | undefined;
};

function consistencyOf({ stale, logged }: ConsistencyTexts, environment: Environment): Consistency {
  const choice = chosen(
    [
      ["--stale", stale === true],
      ["--logged", logged === true],
    ],
    environment,
  );
  if (choice === "--stale") return "stale";
  return choice === "--logged" ? "logged" : "linearizable";
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
    ],
    async run({ args, program }) {
      const { stale, logged } = args;
      const consistency = consistencyOf({ stale, logged }, program.environment);
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = { kind: "get", key: wordKey(args.key) } as const;
      checkOperation(operation);
      const name = nameOf(operation);
      const task = { name, operation, consistency, again: null, timeoutMs, line: null };
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

const keysMax = 10_000_000;

export const listCommand = (place: Place): Command =>
  command({
    name: "ls",
    description: "List keys in byte order: all, or those that begin with PREFIX.",
    args: {
      prefix: { type: "positional", required: false, description: "What the keys begin with" },
      values: { type: "boolean", description: "Show their values too" },
      limit: { type: "string", valueHint: "count", description: "At most so many; default: all" },
      ...consistencyArgs,
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client ls", does: "all keys, one on a line" },
      { line: "rusty-boat client ls user/ --values --limit 20", does: "" },
      { line: "rusty-boat client ls --json | jq -r '.items[].key'", does: "for scripts" },
    ],
    async run({ args, program }) {
      const { stale, logged } = args;
      const consistency = consistencyOf({ stale, logged }, program.environment);
      const timeoutMs = timeoutFlag(args.timeout);
      const keys =
        args.limit === undefined
          ? Number.POSITIVE_INFINITY
          : countFlag({ source: "--limit", value: args.limit }, { min: 1, max: keysMax });
      const prefix = wordKey(args.prefix ?? "");
      const show = args.values === true ? "values" : "keys";
      const listing = { prefix, show, keys, consistency, timeoutMs } as const;
      checkOperation(pageOf(listing, { after: "", seen: 0 }));
      return connected(place, args, (connection) =>
        listAll({ place, connection, program }, listing),
      );
    },
  });

type Listing = {
  readonly prefix: string;
  readonly show: "keys" | "values";
  /** At most so many. */
  readonly keys: number;
  readonly consistency: Consistency;
  readonly timeoutMs: number;
};

const pageOf = (
  { prefix, show, keys }: Listing,
  { after, seen }: { readonly after: string; readonly seen: number },
): Operation => ({
  kind: "list",
  prefix,
  after,
  show,
  limit: Math.min(limits.listKeysMax, keys - seen),
});

/**
 * Page by page: each sees the store at its own moment, so keys that come and go meanwhile may be
 * missed or shown. People see each page at once; one object is printed when it is whole.
 */
async function listAll(scene: Scene, listing: Listing): Promise<CommandExit> {
  const { consistency, timeoutMs, prefix, keys } = listing;
  const inPages = scene.program.output.format === "text";
  const collected: Item[] = [];
  let after = "";
  let seen = 0;
  for (;;) {
    const operation = pageOf(listing, { after, seen });
    const name = nameOf(operation);
    const task = { name, operation, consistency, again: null, timeoutMs, line: null };
    const settled = await settle(scene, task);
    if (settled.kind === "interrupted") return settled.exit;
    const { reply } = settled;
    if (reply.kind !== "listed") {
      throw refusedReply({ ...task, connection: scene.connection, retry: null }, null, reply);
    }
    seen += reply.items.length;
    const last = reply.more === "end" || seen >= keys ? "last" : "not-last";
    const items = inPages ? reply.items : [];
    if (!inPages) for (const item of reply.items) collected.push(item);
    if (last === "last") {
      const shown = inPages ? items : collected;
      await showListed(scene, { prefix, items: shown, more: reply.more, cut: "by-limit" });
      return exits.done;
    }
    if (inPages) await showListed(scene, { prefix, items, more: "end", cut: "by-page" });
    after = must(reply.items.at(-1), "a page that more follows has a key").key;
  }
}
