/** `client watch`: every change of a prefix, once and in order, as it happens or from an entry on. */
import { unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { type LogIndex, logIndex, nextIndex } from "../../base/numbers.ts";
import { explainNodes } from "../../client/explain.ts";
import type { WatchEvent } from "../../codec/watch.ts";
import { wholeList } from "../../kv/command.ts";
import { keySexp } from "../../kv/describe.ts";
import type { Delivery } from "../../runtime/watch.ts";
import { bytesSexp, form } from "../../sexp/value.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import type { Output } from "../output.ts";
import { exitOfSignal } from "../signals.ts";
import { bytesJson, keyJson, keyText, valueText } from "./notation.ts";
import { checkOperation, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { shellLine } from "./shell.ts";
import { wordKey } from "./value-source.ts";

export const watchLimits = {
  countMax: 1_000_000_000,
  /** While nothing changes, how far the watch has come is printed this often, for programs. */
  progressMs: 5_000,
  /** Nothing heard for so long is worth a line. */
  silentMs: 5_000,
} as const;

type Wish = {
  readonly prefix: string;
  readonly from: LogIndex | null;
  readonly count: number;
  readonly timeoutMs: number;
};

export const watchCommand = (place: Place): Command =>
  command({
    name: "watch",
    description:
      "Print every change of keys that begin with PREFIX, once and in order, until Ctrl-C.",
    args: {
      prefix: { type: "positional", required: false, description: "What the keys begin with" },
      from: {
        type: "string",
        valueHint: "index",
        description: "The first entry of the log whose changes are wanted; default: from now on",
      },
      count: { type: "string", valueHint: "count", description: "End after so many changes" },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client watch user/", does: "from now on" },
      {
        line: "rusty-boat client watch --from 1 --json",
        does: "all there ever was, a change a line",
      },
      { line: "rusty-boat client watch --from 42", does: "goes on where another one stopped" },
    ],
    async run({ args, program }) {
      const prefix = wordKey(args.prefix ?? "");
      checkOperation({ ...wholeList, prefix });
      const { from, count } = args;
      const wish: Wish = {
        prefix,
        from: from === undefined ? null : fromFlag(from),
        count:
          count === undefined
            ? Number.POSITIVE_INFINITY
            : countFlag({ source: "--count", value: count }, { min: 1, max: watchLimits.countMax }),
        timeoutMs: timeoutFlag(args.timeout),
      };
      return connected(place, args, (connection) => watch({ place, connection, program }, wish));
    },
  });

function fromFlag(value: string): LogIndex {
  const from = countFlag({ source: "--from", value }, { min: 0, max: 2 ** 48 - 1 });
  if (!Number.isSafeInteger(from)) {
    throw badValue({ source: "--from", value, expected: "an index", example: "--from 1" });
  }
  return logIndex(Math.max(1, from));
}

async function watch(scene: Scene, wish: Wish): Promise<CommandExit> {
  const from = wish.from ?? (await fromNow(scene, wish));
  if (typeof from !== "number") return from.exit;
  const { connection } = scene;
  const stream = await connection.openWatch({ prefix: wish.prefix, from });
  void connection.interrupted.then(() => stream.close());
  try {
    return await follow(scene, { wish, from, next: () => stream.next(watchLimits.silentMs) });
  } finally {
    stream.close();
  }
}

/** From the entry after all that was written before: a read of any key says which one that is. */
async function fromNow(
  scene: Scene,
  { timeoutMs }: Wish,
): Promise<LogIndex | { readonly exit: 130 | 143 }> {
  const operation = { kind: "get", key: "\0" } as const;
  const question = { operation, consistency: "linearizable", again: null, timeoutMs } as const;
  const settled = await settle(scene, { ...question, name: "watch", line: null });
  return settled.kind === "interrupted" ? settled : nextIndex(settled.index);
}

type Course = {
  readonly wish: Wish;
  readonly from: LogIndex;
  readonly next: () => Promise<Delivery>;
};

async function follow(scene: Scene, { wish, from, next }: Course): Promise<CommandExit> {
  const { output, messages } = scene.program;
  let seen = 0;
  let markedAt = performance.now();
  let place = from;
  if (output.format === "text") await messages.line(`watching from entry ${from} on`);
  for (;;) {
    const delivery = await next();
    switch (delivery.kind) {
      case "events":
        for (const event of delivery.events) {
          await showEvent(output, event);
          seen += 1;
          if (seen >= wish.count)
            return await ended(scene, nextAfter(delivery.events, event, delivery.next));
        }
        place = delivery.next;
        if (delivery.events.length > 0) await output.flush();
        if (performance.now() < markedAt + watchLimits.progressMs) break;
        markedAt = performance.now();
        await showProgress(output, place);
        break;
      case "compacted":
        throw compacted(scene, wish, delivery);
      case "silence":
        await messages.line(`no word from any node: ${explainNodes(delivery.nodes)}; trying on`);
        break;
      case "closed": {
        await ended(scene, place);
        const signal = scene.connection.interruption();
        return signal === null ? exits.done : exitOfSignal(signal);
      }
      default:
        return unreachable(delivery);
    }
  }
}

/** Where to go on after the last change that was printed: at its own entry, where that has more of them. */
function nextAfter(events: readonly WatchEvent[], last: WatchEvent, next: LogIndex): LogIndex {
  const following = events[events.indexOf(last) + 1];
  if (following === undefined) return next;
  return following.index === last.index ? last.index : nextIndex(last.index);
}

async function ended({ program }: Scene, next: LogIndex): Promise<CommandExit> {
  await showProgress(program.output, next);
  await program.output.flush();
  if (program.output.format === "text") await program.messages.line(`to go on: --from ${next}`);
  return exits.done;
}

/** For programs only: people read it once, at the end. */
const showProgress = (output: Output, next: LogIndex): Promise<void> =>
  output.result({
    text: () => "",
    json: () => ({ kind: "progress", next }),
    sexpr: () => form("progress", form("next", next)),
  });

const showEvent = (output: Output, { index, key, value }: WatchEvent): Promise<void> =>
  output.result({
    text: () => {
      const { dim } = output.paint;
      const at = dim(String(index));
      return value === null
        ? `${at}  del ${keyText(key)}`
        : `${at}  put ${keyText(key)} ${dim("=")} ${valueText(value)}`;
    },
    json: () => {
      const head = { index, kind: value === null ? "del" : "put", key: keyJson(key) };
      return value === null ? head : { ...head, value: bytesJson(value) };
    },
    sexpr: () =>
      value === null
        ? form("del", form("index", index), form("key", keySexp(key)))
        : form(
            "put",
            form("index", index),
            form("key", keySexp(key)),
            form("value", bytesSexp(value)),
          ),
  });

function compacted(
  { connection }: Scene,
  { prefix }: Wish,
  { next, first }: Extract<Delivery, { kind: "compacted" }>,
): OperatorError {
  const plain = prefix === "" ? [] : [prefix];
  const flags = connection.words;
  return new OperatorError({
    code: "compacted",
    what: `the changes from entry ${next} on cannot be told any more`,
    why: `the log was compacted; the first entry that a node can tell of is ${first}`,
    fix: [
      `${shellLine({ verb: "ls", plain, flags: ["--values", ...flags] })}      what there is now`,
      shellLine({ verb: "watch", plain, flags: ["--from", String(first), ...flags] }),
    ],
    exit: exits.no,
    applied: "no",
    meaning: `changes from ${next} to ${first - 1} were missed`,
  });
}
