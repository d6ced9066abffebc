/**
 * `client history K`: what a key has held, as far back as the log is kept. It is a watch of that key from the first
 * entry on that ends where the log ended when it was asked for: so it shows what took effect, and what was replaced,
 * refused or repeated it does not. `inspect FILE --key K` shows those too, with their terms.
 */
import { exits, OperatorError } from "../../base/error.ts";
import { type LogIndex, logIndex } from "../../base/numbers.ts";
import { explainNodes } from "../../client/explain.ts";
import type { WatchEvent } from "../../codec/watch.ts";
import { keySexp } from "../../kv/describe.ts";
import type { Delivery } from "../../runtime/watch.ts";
import { bytesSexp, form, type SexpInput, word } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import { exitOfSignal } from "../signals.ts";
import { bytesJson, keyJson, keyText, nameOf, valueText } from "./notation.ts";
import { checkOperation, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { wordKey } from "./value-source.ts";

const changesMax = 1_000_000;
const changesDefault = 100;

export const historyCommand = (place: Place): Command =>
  command({
    name: "history",
    description: "Print what a key has held, the newest first, as far back as the log is kept.",
    args: {
      key: { type: "positional", required: true, description: "The key" },
      limit: {
        type: "string",
        valueHint: "count",
        default: `${changesDefault}`,
        description: "At most so many changes, the newest",
      },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client history color", does: "index and value of each change" },
      {
        line: "rusty-boat inspect data/node1.log --key color",
        does: "refused and replaced ones too",
      },
    ],
    async run({ args, program }) {
      const timeoutMs = timeoutFlag(args.timeout);
      const operation = { kind: "get", key: wordKey(args.key) } as const;
      checkOperation(operation);
      const limit = countFlag(
        { source: "--limit", value: args.limit },
        { min: 1, max: changesMax },
      );
      return connected(place, args, (connection) =>
        tellHistory({ place, connection, program }, { operation, limit, timeoutMs }),
      );
    },
  });

type Wish = {
  readonly operation: { readonly kind: "get"; readonly key: string };
  readonly limit: number;
  readonly timeoutMs: number;
};

type History = {
  /** The newest, the oldest of them first. */
  readonly changes: readonly WatchEvent[];
  readonly more: "more" | "end";
  /** The first entry that could be told of, and the last. */
  readonly first: LogIndex;
  readonly last: LogIndex;
};

async function tellHistory(scene: Scene, wish: Wish): Promise<CommandExit> {
  const { operation, timeoutMs } = wish;
  // A read says how far the log has come: whatever was acknowledged before this is in the history.
  const question = { operation, consistency: "linearizable", again: null, timeoutMs } as const;
  const settled = await settle(scene, { ...question, name: nameOf(operation), line: null });
  if (settled.kind === "interrupted") return settled.exit;
  let history = await gather(scene, wish, { first: logIndex(1), last: settled.index });
  // The log is kept from later on: the history is what there is.
  while (history.kind === "compacted") {
    history = await gather(scene, wish, { first: history.first, last: settled.index });
  }
  if (history.kind === "closed") {
    const signal = scene.connection.interruption();
    return signal === null ? exits.done : exitOfSignal(signal);
  }
  await show(scene, operation.key, history.told);
  return exits.done;
}

type Gathered =
  | { readonly kind: "told"; readonly told: History }
  | Extract<Delivery, { kind: "compacted" | "closed" }>;

async function gather(
  { connection }: Scene,
  { operation, limit, timeoutMs }: Wish,
  { first, last }: { readonly first: LogIndex; readonly last: LogIndex },
): Promise<Gathered> {
  const { key } = operation;
  const stream = await connection.openWatch({ prefix: key, from: first });
  void connection.interrupted.then(() => stream.close());
  const changes: WatchEvent[] = [];
  let more: History["more"] = "end";
  try {
    for (;;) {
      const delivery = await stream.next(timeoutMs);
      if (delivery.kind === "compacted" || delivery.kind === "closed") return delivery;
      if (delivery.kind === "silence") throw noWord(operation, delivery, timeoutMs);
      for (const event of delivery.events) {
        if (event.key === key && event.index <= last) changes.push(event);
      }
      if (changes.length > limit) {
        changes.splice(0, changes.length - limit);
        more = "more";
      }
      if (delivery.next > last) return { kind: "told", told: { changes, more, first, last } };
    }
  } finally {
    stream.close();
  }
}

function noWord(
  operation: Wish["operation"],
  { nodes }: Extract<Delivery, { kind: "silence" }>,
  timeoutMs: number,
): OperatorError {
  return new OperatorError({
    code: "no-answer",
    what: `the history of ${keyText(operation.key)} was not told`,
    why: `no node said anything for ${timeoutMs} ms: ${explainNodes(nodes)}`,
    fix: ["wait longer: --timeout 30s", "rusty-boat client status"],
    exit: exits.notApplied,
    applied: "no",
    meaning: "nothing was read, a retry is safe",
  });
}

function show({ program }: Scene, key: string, told: History): Promise<void> {
  const { changes, more, first, last } = told;
  const newest = changes.toReversed();
  const { paint } = program.output;
  return program.output.result({
    text: () =>
      newest
        .map(({ index, value }) => {
          const held = value === null ? paint.dim("(deleted)") : valueText(value);
          return `${paint.dim(String(index))}  ${held}`;
        })
        .join("\n"),
    json: () => ({
      ...{ ok: true, key: keyJson(key), first, index: last, more: more === "more" },
      changes: newest.map(({ index, value }) => ({
        index,
        value: value === null ? null : bytesJson(value),
      })),
    }),
    sexpr: () => {
      const parts: SexpInput[] = newest.map(({ index, value }) =>
        value === null
          ? form("del", form("index", index))
          : form("put", form("index", index), form("value", bytesSexp(value))),
      );
      return form(
        "history-ok",
        form("key", keySexp(key)),
        form("first", first),
        form("index", last),
        form("changes", ...parts),
        form("more", word(more === "more" ? "yes" : "no")),
      );
    },
  });
}
