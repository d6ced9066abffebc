/**
 * `lock NAME --show`, `elect NAME --show`, `elect NAME --observe`: who holds and who waits, in three notations. Names
 * and shapes are a contract: docs/cli.md.
 */
import { unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { type LogIndex, nextIndex } from "../../base/numbers.ts";
import { isPlace, type Prize, prefixOf } from "../../client/place-in-line.ts";
import type { WatchEvent } from "../../codec/watch.ts";
import { type Item, wholeList } from "../../kv/command.ts";
import { keySexp } from "../../kv/describe.ts";
import { bytesSexp, form, list, symbol, word } from "../../sexp/value.ts";
import type { CommandExit } from "../command.ts";
import type { Output } from "../output.ts";
import { exitOfSignal } from "../signals.ts";
import { pagesOf, taskOf } from "./list-verb.ts";
import { byText, prizeText } from "./lock-failure.ts";
import { bytesJson, keyJson } from "./notation.ts";
import type { Scene } from "./operate.ts";
import { refusedReply } from "./refusal.ts";
import { shellLine } from "./shell.ts";
import { watchLimits } from "./watch.ts";

type Line = {
  /** In their order: the first holds. */
  readonly places: readonly Item[];
  /** The moment that this is of. */
  readonly index: LogIndex;
};

type Look = { readonly prize: Prize; readonly timeoutMs: number };

const inOrder = (places: Iterable<Item>): Item[] =>
  [...places].sort((a, b) => a.revision - b.revision);

async function lookAt(scene: Scene, look: Look): Promise<Line | { readonly exit: 130 | 143 }> {
  const prefix = prefixOf(look.prize);
  const revision = { kind: "hold" } as const;
  const operation = { ...wholeList, prefix, show: "values", revision } as const;
  const wanted = { consistency: "linearizable" } as const;
  const { timeoutMs } = look;
  const listing = { operation, keys: Number.POSITIVE_INFINITY, wanted, timeoutMs };
  const places: Item[] = [];
  let index = 0 as LogIndex;
  for await (const turn of pagesOf(scene, listing)) {
    if (turn.kind === "interrupted") return turn;
    if (turn.kind === "lost") {
      const task = { ...taskOf(operation, listing), connection: scene.connection, retry: null };
      throw refusedReply(task, null, turn.reply);
    }
    for (const item of turn.page.items) if (isPlace(prefix, item.key)) places.push(item);
    index = turn.page.index ?? index;
  }
  return { places: inOrder(places), index };
}

/** Exit 1 where nobody holds it. */
export async function show(scene: Scene, look: Look): Promise<CommandExit> {
  const line = await lookAt(scene, look);
  if ("exit" in line) return line.exit;
  const { prize } = look;
  const [holder, ...waiting] = line.places;
  if (holder === undefined) throw free(scene, prize);
  await scene.program.output.result({
    text: () =>
      [
        `${holder.revision}  ${roleOf(prize)}  ${byText(holder.value)}`,
        ...waiting.map(({ revision, value }) => `${revision}  waits  ${byText(value)}`),
      ].join("\n"),
    json: () => ({
      ok: true,
      name: prize.name,
      holder: placeJson(holder),
      waiting: waiting.map(placeJson),
      index: line.index,
    }),
    sexpr: () =>
      form(
        `${prize.kind}-show-ok`,
        form("name", prize.name),
        list(symbol("holder"), ...placeSexps(holder)),
        list(
          symbol("waiting"),
          ...waiting.map((item) => list(symbol("place"), ...placeSexps(item))),
        ),
        form("index", line.index),
      ),
  });
  return exits.done;
}

const roleOf = ({ kind }: Prize): string => (kind === "lock" ? "holds" : "leads");

const noBytes = new Uint8Array(0);

const placeJson = ({ key, revision, value }: Item) => ({
  token: revision,
  by: bytesJson(value ?? noBytes),
  key: keyJson(key),
});

const placeSexps = ({ key, revision, value }: Item) => [
  form("token", revision),
  form("by", bytesSexp(value ?? noBytes)),
  form("key", keySexp(key)),
];

const free = ({ connection }: Scene, prize: Prize): OperatorError =>
  new OperatorError({
    code: "not-held",
    what: `${prizeText(prize)} found nobody`,
    why: prize.kind === "lock" ? "nobody holds this lock" : "nobody leads, and nobody campaigns",
    fix: [
      shellLine({
        verb: prize.kind,
        plain: [prize.name],
        flags: connection.words,
      }).concat(prize.kind === "lock" ? " -- COMMAND" : ""),
    ],
    exit: exits.no,
    applied: "no",
    meaning: "there is nobody to show",
  });

/** Every change of who leads, once and in order, until a signal. */
export async function observe(scene: Scene, look: Look): Promise<CommandExit> {
  const line = await lookAt(scene, look);
  if ("exit" in line) return line.exit;
  const { connection, program } = scene;
  const prefix = prefixOf(look.prize);
  const places = new Map(line.places.map((item) => [item.key, item]));
  let leader = line.places[0];
  await showLeader(program.output, look.prize, { leader, index: line.index });
  const stream = await connection.openWatch({ prefix, from: nextIndex(line.index) });
  void connection.interrupted.then(() => stream.close());
  try {
    for (;;) {
      const delivery = await stream.next(watchLimits.silentMs);
      switch (delivery.kind) {
        case "events":
          for (const event of delivery.events) {
            if (!isPlace(prefix, event.key)) continue;
            note(places, event);
            const [first] = inOrder(places.values());
            if (first?.revision === leader?.revision) continue;
            leader = first;
            await showLeader(program.output, look.prize, { leader, index: event.index });
          }
          break;
        case "silence":
          break;
        case "compacted":
          throw missed(scene, look.prize);
        case "closed":
          return exitOfSignal(connection.interruption() ?? "SIGINT");
        default:
          return unreachable(delivery);
      }
    }
  } finally {
    stream.close();
  }
}

function note(places: Map<string, Item>, { key, value, index }: WatchEvent): void {
  if (value === null) places.delete(key);
  else places.set(key, { key, value, revision: index });
}

type Seen = { readonly leader: Item | undefined; readonly index: LogIndex };

async function showLeader(output: Output, { name }: Prize, { leader, index }: Seen) {
  await output.result({
    text: () =>
      leader === undefined
        ? `${index}  nobody leads`
        : `${index}  leads  ${byText(leader.value)}  (token ${leader.revision})`,
    json: () => ({ index, name, leader: leader === undefined ? null : placeJson(leader) }),
    sexpr: () =>
      form(
        "leader",
        form("index", index),
        form("name", name),
        ...(leader === undefined ? [word("none")] : placeSexps(leader)),
      ),
  });
  await output.flush();
}

const missed = ({ connection }: Scene, prize: Prize): OperatorError =>
  new OperatorError({
    code: "compacted",
    what: `${prizeText(prize)} was not observed without a gap`,
    why: "what came next was compacted, and no node can tell of it any more",
    fix: [
      shellLine({
        verb: prize.kind,
        plain: [prize.name],
        flags: ["--observe", ...connection.words],
      }),
    ],
    exit: exits.no,
    applied: "no",
    meaning: "leaders may have come and gone unseen",
  });
