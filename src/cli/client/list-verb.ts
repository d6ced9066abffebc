/**
 * `client ls`. A list of more than one page is of one moment, the one of its first page: the node that answers keeps
 * it for a while (kv/list-view.ts), and says so when it does not any more.
 */
import { must } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { LogIndex } from "../../base/numbers.ts";
import type { Age } from "../../client/request.ts";
import {
  type Item,
  type ListOperation,
  type ListRevision,
  limits,
  type Reply,
  wholeList,
} from "../../kv/command.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import { olderOf } from "./age.ts";
import { nameOf } from "./notation.ts";
import { checkOperation, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { consistencyArgs, consistencyOf, type Wanted } from "./read-verbs.ts";
import { refusedReply } from "./refusal.ts";
import { showListed } from "./shown.ts";
import { wordKey } from "./value-source.ts";

const keysMax = 10_000_000;

export const listCommand = (place: Place): Command =>
  command({
    name: "ls",
    description: "List keys in byte order: all, or those that begin with PREFIX.",
    args: {
      prefix: { type: "positional", required: false, description: "What the keys begin with" },
      from: { type: "string", valueHint: "key", description: "Only keys from this one on" },
      to: { type: "string", valueHint: "key", description: "Only keys below this one" },
      values: { type: "boolean", description: "Show their values too" },
      limit: { type: "string", valueHint: "count", description: "At most so many; default: all" },
      latest: {
        type: "boolean",
        description: "Each page of a long list as it is when it is read, not all as of one index",
      },
      ...consistencyArgs,
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client ls", does: "all keys, one on a line" },
      { line: "rusty-boat client ls user/ --values --limit 20", does: "" },
      { line: "rusty-boat client ls --from user/b --to user/d", does: "those between" },
      { line: "rusty-boat client ls --json | jq -r '.items[].key'", does: "for scripts" },
    ],
    async run({ args, program }) {
      const wanted = consistencyOf(args, program.environment);
      const timeoutMs = timeoutFlag(args.timeout);
      const keys =
        args.limit === undefined
          ? Number.POSITIVE_INFINITY
          : countFlag({ source: "--limit", value: args.limit }, { min: 1, max: keysMax });
      const operation: ListOperation = {
        ...wholeList,
        prefix: wordKey(args.prefix ?? ""),
        from: wordKey(args.from ?? ""),
        to: wordKey(args.to ?? ""),
        show: args.values === true ? "values" : "keys",
        // A list that goes through the log is an entry of its own for each page.
        revision: {
          kind: args.latest === true || wanted.consistency === "logged" ? "now" : "hold",
        },
      };
      const listing = { operation, keys, wanted, timeoutMs } as const;
      checkOperation(operation);
      return connected(place, args, (connection) =>
        listAll({ place, connection, program }, listing),
      );
    },
  });

export type Listing = {
  /** Its first page. */
  readonly operation: ListOperation;
  /** At most so many. */
  readonly keys: number;
  readonly wanted: Wanted;
  readonly timeoutMs: number;
};

export type Page = {
  readonly items: readonly Item[];
  readonly more: "more" | "end";
  /** Which moment all pages are of; null where each has its own. */
  readonly index: LogIndex | null;
  /** How old it may be, where it is stale. */
  readonly age: Age | undefined;
};

export type Turn =
  | { readonly kind: "page"; readonly page: Page }
  | { readonly kind: "lost"; readonly reply: Extract<Reply, { kind: "view-lost" }> }
  | { readonly kind: "interrupted"; readonly exit: 130 | 143 };

/** Page after page, until there is none, or so many keys have been read. */
export async function* pagesOf(scene: Scene, listing: Listing): AsyncGenerator<Turn> {
  const { keys } = listing;
  let { revision }: { revision: ListRevision } = listing.operation;
  let after = "";
  let seen = 0;
  for (;;) {
    const limit = Math.min(limits.listKeysMax, keys - seen);
    const operation: ListOperation = { ...listing.operation, after, limit, revision };
    const task = taskOf(operation, listing);
    const settled = await settle(scene, task);
    if (settled.kind === "interrupted") return yield settled;
    const { reply } = settled;
    if (reply.kind === "view-lost") return yield { kind: "lost", reply };
    if (reply.kind !== "listed") {
      throw refusedReply({ ...task, connection: scene.connection, retry: null }, null, reply);
    }
    if (revision.kind === "hold") revision = { kind: "at", index: settled.index };
    seen += reply.items.length;
    const index = revision.kind === "at" ? revision.index : null;
    yield { kind: "page", page: { ...reply, index, age: settled.age } };
    if (reply.more === "end" || seen >= keys) return;
    after = must(reply.items.at(-1), "a page that more follows has a key").key;
  }
}

export const taskOf = (
  operation: ListOperation,
  { wanted, timeoutMs }: Pick<Listing, "wanted" | "timeoutMs">,
) =>
  ({ name: nameOf(operation), operation, ...wanted, timeoutMs, again: null, line: null }) as const;

/** Tries to read a list as of one moment, where what was read is thrown away when it is lost. */
const attemptsMax = 3;

/** People see each page at once; one object is printed when it is whole. */
async function listAll(scene: Scene, listing: Listing): Promise<CommandExit> {
  if (scene.program.output.format === "text") return listInPages(scene, listing);
  for (let attempt = 1; ; attempt++) {
    const items: Item[] = [];
    let lost: Extract<Turn, { kind: "lost" }> | null = null;
    let last = null as Page | null;
    for await (const turn of pagesOf(scene, listing)) {
      if (turn.kind === "interrupted") return turn.exit;
      if (turn.kind === "lost") lost = turn;
      else {
        for (const item of turn.page.items) items.push(item);
        last = { ...turn.page, age: olderOf(last?.age, turn.page.age) };
      }
    }
    if (lost === null && last !== null) {
      const { prefix } = listing.operation;
      await showListed(scene, { ...last, items, prefix, cut: "by-limit" });
      return exits.done;
    }
    if (lost !== null && attempt === attemptsMax) throw viewLost(scene, listing, lost);
  }
}

async function listInPages(scene: Scene, listing: Listing): Promise<CommandExit> {
  const { prefix } = listing.operation;
  let seen = 0;
  for await (const turn of pagesOf(scene, listing)) {
    if (turn.kind === "interrupted") return turn.exit;
    if (turn.kind === "lost") throw viewLost(scene, listing, turn);
    const { page } = turn;
    seen += page.items.length;
    const more = seen >= listing.keys ? page.more : "end";
    await showListed(scene, { ...page, more, prefix, cut: "by-limit" });
  }
  return exits.done;
}

function viewLost(scene: Scene, listing: Listing, { reply }: Extract<Turn, { kind: "lost" }>) {
  const task = taskOf(listing.operation, listing);
  return refusedReply({ ...task, connection: scene.connection, retry: null }, null, reply);
}
