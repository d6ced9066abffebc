/** `client lock` and `client elect`: run a command while holding a lock, or while leading. */
import { hostname } from "node:os";
import { exits, OperatorError } from "../../base/error.ts";
import { Contender } from "../../client/contender.ts";
import { graceOf } from "../../client/errand.ts";
import { enterLine, type Prize, placeKey, prefixOf } from "../../client/place-in-line.ts";
import { limits } from "../../kv/command.ts";
import { uniqueNumber } from "../../runtime/chance.ts";
import { type Child, exitOfEnd, startChild, unstartable } from "../../runtime/child.ts";
import { form } from "../../sexp/value.ts";
import { type Command, type CommandExit, command, passedExit } from "../command.ts";
import { durationFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import type { Program } from "../program.ts";
import { formatDuration } from "../quantity.ts";
import { chosen } from "./choice.ts";
import { hold, type Outcome } from "./hold.ts";
import { busy, holderText, lost, notTaken, prizeText, type Sought } from "./lock-failure.ts";
import { observe, show } from "./lock-shown.ts";
import { keyJson } from "./notation.ts";
import { checkOperation, type Scene } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { wordBytes } from "./value-source.ts";
import { vigil } from "./vigil.ts";

const spans = { ttlMsMin: 1_000, ttlMsMax: 60 * 60 * 1_000 } as const;
const asBytesMax = 1_024;

const lockArgs = {
  ttl: {
    type: "string",
    valueHint: "duration",
    default: "10s",
    description: "Its lease: how long others wait where this process ends without a word",
  },
  wait: {
    type: "string",
    valueHint: "duration",
    description:
      "Give up when it is not had by then; 0 does not wait; default: as long as it takes",
  },
  as: {
    type: "string",
    valueHint: "text",
    description: "What others see of the holder; default: this host and process",
  },
  show: { type: "boolean", description: "Print who has it and who waits, and run nothing" },
} as const;

const rest = { name: "command", description: "What to run, after --", least: 0 } as const;
const nameArg = { type: "positional", required: true, description: "Any text" } as const;

export const lockCommand = (place: Place): Command =>
  command({
    name: "lock",
    description: "Run a command while holding a lock that only one has at a time.",
    args: { name: nameArg, ...lockArgs, ...clientArgs },
    rest,
    examples: [
      { line: "rusty-boat client lock deploy -- ./deploy.sh", does: "one at a time, everywhere" },
      { line: "rusty-boat client lock deploy --wait 30s -- make", does: "exit 1 where it is busy" },
      { line: "rusty-boat client lock deploy --wait 0 -- make", does: "now or not at all" },
      { line: "rusty-boat client lock deploy --show", does: "who has it, and who waits" },
    ],
    async run({ args, rest: words, program }) {
      const what = chosen(
        [
          ["--show", args.show === true],
          ["COMMAND", words.length > 0],
        ],
        program.environment,
      );
      if (what === null) throw noCommand(args.name);
      const prize = { kind: "lock", name: args.name } as const;
      const wish = wishOf({ ...args, prize });
      return connected(place, args, (connection) => {
        const scene = { place, connection, program };
        return what === "--show" ? show(scene, wish) : contend(scene, wish, words);
      });
    },
  });

export const electCommand = (place: Place): Command =>
  command({
    name: "elect",
    description: "Campaign for leadership; then run a command, or hold it, as long as it lasts.",
    args: {
      name: nameArg,
      ...lockArgs,
      observe: { type: "boolean", description: "Print who leads, and every change, until Ctrl-C" },
      ...clientArgs,
    },
    rest,
    examples: [
      { line: "rusty-boat client elect jobs -- ./scheduler", does: "runs where it leads" },
      { line: "rusty-boat client elect jobs --as web-3", does: "says when it leads, until Ctrl-C" },
      { line: "rusty-boat client elect jobs --observe", does: "who leads, and every change" },
      { line: "rusty-boat client elect jobs --show", does: "who leads now, and who would next" },
    ],
    async run({ args, rest: words, program }) {
      const what = chosen(
        [
          ["--show", args.show === true],
          ["--observe", args.observe === true],
          ["COMMAND", words.length > 0],
        ],
        program.environment,
      );
      const wish = wishOf({ ...args, prize: { kind: "elect", name: args.name } });
      return connected(place, args, (connection) => {
        const scene = { place, connection, program };
        if (what === "--show") return show(scene, wish);
        return what === "--observe" ? observe(scene, wish) : contend(scene, wish, words);
      });
    },
  });

type Wish = Omit<Sought, "connection" | "runs"> & { readonly as: Uint8Array };

function wishOf(texts: {
  readonly prize: Prize;
  readonly ttl: string;
  readonly wait?: string | undefined;
  readonly as?: string | undefined;
  readonly timeout: string;
}): Wish {
  const { prize, ttl, wait } = texts;
  const prefix = checkedPrefix(prize);
  const as = wordBytes(texts.as ?? `${hostname()}/${process.pid}`, "--as");
  if (as.length > asBytesMax) {
    const expected = `a text of at most ${asBytesMax} bytes`;
    throw badValue({ source: "--as", value: texts.as ?? "", expected, example: "--as web-3" });
  }
  const ttlMs = ttlFlag(ttl);
  const operation = enterLine({ key: placeKey(prefix, 0), value: as, ttlMs });
  checkOperation(operation);
  const waitMs =
    wait === undefined ? Number.POSITIVE_INFINITY : durationFlag({ source: "--wait", value: wait });
  return { prize, as, operation, ttlMs, waitMs, timeoutMs: timeoutFlag(texts.timeout) };
}

function checkedPrefix(prize: Prize): string {
  wordBytes(prize.name, "the name");
  const prefix = prefixOf(prize);
  const nameBytesMax = limits.keyBytesMax - placeKey(prefixOf({ ...prize, name: "" }), 0).length;
  if (prize.name !== "" && placeKey(prefix, 0).length <= limits.keyBytesMax) return prefix;
  throw badValue({
    source: "NAME",
    value: prize.name,
    expected: `a text of 1 to ${nameBytesMax} bytes`,
    example: `rusty-boat client ${prize.kind} deploy`,
  });
}

function ttlFlag(value: string): number {
  const ms = durationFlag({ source: "--ttl", value });
  if (ms >= spans.ttlMsMin && ms <= spans.ttlMsMax) return ms;
  const span = `${formatDuration(spans.ttlMsMin)} to ${formatDuration(spans.ttlMsMax)}`;
  const expected = `a duration from ${span}`;
  throw badValue({ source: "--ttl", value, expected, example: "--ttl 10s" });
}

async function contend(scene: Scene, wish: Wish, words: readonly string[]): Promise<CommandExit> {
  const { connection, program } = scene;
  const { prize, ttlMs, waitMs, timeoutMs } = wish;
  checkCommand(words);
  const group = program.stdin === "terminal" ? "shared-group" : "own-group";
  const graceMs = graceOf(ttlMs);
  const prefix = prefixOf(prize);
  const outcome = await hold(connection.cluster, {
    parts: {
      contend: (now) =>
        new Contender({
          ...{ prefix, nonce: uniqueNumber(), value: wish.as, ttlMs, now },
          patience: waitMs === 0 ? "no-wait" : "wait",
        }),
      ...{ ttlMs, answerMs: timeoutMs },
      waitMs: waitMs === 0 ? Number.POSITIVE_INFINITY : waitMs,
    },
    group,
    start: (held) =>
      words.length === 0
        ? standVigil(program, prize, held)
        : startChild({ words, environment: variables(prize, held), graceMs, group }),
    waits: (behind) => {
      if (program.messages.stream !== "terminal") return;
      void program.messages.line(`${prizeText(prize)} waits behind ${holderText(behind)}`);
    },
  });
  const runs = words.length === 0 ? "nothing" : "command";
  return conclude(scene, { ...wish, connection, runs }, outcome);
}

/** Before anything is asked: who cannot run has no use for the lock. */
function checkCommand(words: readonly string[]): void {
  const [name] = words;
  if (name === undefined || name.includes("/") || Bun.which(name) !== null) return;
  throw unstartable(name, Object.assign(new Error(name), { code: "ENOENT" }));
}

type Held = { readonly token: number; readonly key: string };

const variables = ({ name }: Prize, { token, key }: Held): Record<string, string> => ({
  RUSTY_BOAT_FENCING_TOKEN: `${token}`,
  RUSTY_BOAT_LOCK_NAME: name,
  RUSTY_BOAT_LOCK_KEY: Buffer.from(key, "latin1").toString(),
});

function standVigil({ output }: Program, { name }: Prize, { token, key }: Held): Child {
  return vigil(async () => {
    await output.result({
      text: () => `ok  leads ${name}  (token ${token})`,
      json: () => ({ ok: true, name, token, key: keyJson(key) }),
      sexpr: () => form("elect-ok", form("name", name), form("token", token)),
    });
    await output.flush();
  });
}

/** Their errors say what becomes of the place. */
const explained: readonly string[] = ["lost", "unanswered", "refused"];

async function conclude(
  { program }: Scene,
  sought: Sought,
  { verdict, place, thrown }: Outcome,
): Promise<CommandExit> {
  if (place === "behind" && !explained.includes(verdict.kind)) {
    const span = formatDuration(sought.ttlMs);
    const name = prizeText(sought.prize);
    await program.messages.line(
      `${name} was not given back in time: nobody answered. Its lease of ${span} ends by itself`,
    );
  }
  switch (verdict.kind) {
    case "ran":
      return passedExit(exitOfEnd(verdict.end));
    case "lost":
      throw lost(sought, verdict);
    case "not-started":
      throw thrown;
    case "busy":
      throw busy(sought, verdict);
    case "interrupted":
      await program.messages.line(`${prizeText(sought.prize)} was interrupted: nothing was run`);
      return passedExit(exitOfEnd({ code: null, signal: verdict.signal }));
    case "unanswered":
    case "refused":
      throw notTaken(sought, verdict.result);
  }
}

const noCommand = (name: string): OperatorError =>
  new OperatorError({
    code: "missing-argument",
    what: "rusty-boat client lock needs COMMAND",
    why: "the lock is held as long as a command runs",
    fix: [`rusty-boat client lock ${name} -- COMMAND`, `rusty-boat client lock ${name} --show`],
    exit: exits.usage,
    applied: "no",
    meaning: "nothing was sent",
  });
