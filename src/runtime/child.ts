/**
 * A command that somebody asked for, as a child process: it has this process's standard streams, and the signals that
 * it is passed. It is not left running: a guard ends it when this process is killed.
 *
 * Where standard input is a terminal the command shares this process's group, so that it can use that terminal, whose
 * Ctrl-C then reaches both; what it has started is looked for when it is to end. Elsewhere it leads a session of its
 * own: signals reach all that it has started, and none that is not its.
 */
import { writeSync } from "node:fs";
import { constants } from "node:os";
import { exits, OperatorError } from "../base/error.ts";
import type { CommandEnd, PassedSignal } from "../client/errand.ts";
import { Descendants } from "./descendants.ts";

export type ChildSignal = PassedSignal | "SIGKILL" | "SIGCONT" | "SIGSTOP";

/** A running command, as whoever started it knows it. */
export type Child = {
  readonly signal: (signal: ChildSignal) => void;
  readonly ended: Promise<CommandEnd>;
};

export type ChildParts = {
  /** At least one. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Between the guard's asking it to end and making it. */
  readonly graceMs: number;
  readonly group: Grouping;
};

export type Grouping = "own-group" | "shared-group";

/** What a terminal sends to all that share its group. */
const fromTerminal: readonly string[] = ["SIGINT", "SIGQUIT"];
/** Agreed upon with one program: others would die of them. */
const toItAlone: readonly string[] = ["SIGUSR1", "SIGUSR2"];
/** What ends reaches what the command has started, too. */
const toAll: readonly string[] = ["SIGTERM", "SIGHUP", "SIGKILL"];

/** Starts the command, or throws the OperatorError that says why it cannot be. */
export function startChild(parts: ChildParts): Child {
  const isOwn = parts.group === "own-group" && process.platform !== "win32";
  const guard = startGuard();
  const child = spawn(parts, isOwn ? "detached" : "attached", guard);
  const target = isOwn ? -child.pid : child.pid;
  guard?.watch(target, parts.graceMs);
  let state: "runs" | "ended" = "runs";
  const ended = child.exited.then(() => {
    state = "ended";
    guard?.dismiss();
    const { exitCode, signalCode } = child;
    return signalCode === null
      ? { code: exitCode, signal: null }
      : { code: null, signal: String(signalCode) };
  });
  const below = new Descendants(child.pid);
  const signal = (name: ChildSignal): void => {
    if (isOwn && !toItAlone.includes(name)) return send(-child.pid, name);
    // Else a loop in it could begin something new between the look and the signal.
    if (!isOwn && name === "SIGKILL" && state === "runs") send(child.pid, "SIGSTOP");
    if (toAll.includes(name)) for (const pid of below.now()) send(pid, name);
    // The number of what has ended may be another's, and a terminal has sent what it sends.
    if (state === "ended" || (!isOwn && fromTerminal.includes(name))) return;
    send(child.pid, name);
  };
  return { signal, ended };
}

function send(target: number, name: ChildSignal): void {
  try {
    process.kill(target, name);
  } catch {
    // It has just ended: `ended` says how.
  }
}

function spawn(parts: ChildParts, how: "detached" | "attached", guard: Guard | null) {
  try {
    return Bun.spawn([...parts.words], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      env: { ...process.env, ...parts.environment },
      detached: how === "detached",
    });
  } catch (error) {
    guard?.dismiss();
    throw unstartable(parts.words[0] ?? "", error);
  }
}

type Guard = {
  /** `target` is a process, or a group where it is negative. */
  readonly watch: (target: number, graceMs: number) => void;
  readonly dismiss: () => void;
};

/** Two lines are read: what to watch, and that it has ended. Where the second is missing, this process is gone. */
const guardScript =
  "read -r target grace <&3 || exit 0; read -r over <&3 && exit 0; " +
  'kill -s TERM -- "$target"; sleep "$grace"; kill -s KILL -- "$target"';

/** In a session of its own, so that nothing ends it together with this process. Null where there is no shell. */
function startGuard(): Guard | null {
  try {
    const shell = Bun.spawn(["/bin/sh", "-c", guardScript], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      cwd: "/",
      detached: true,
    });
    shell.unref();
    const pipe = shell.stdio[3];
    // Written at once: whoever kills this process between the command's start and this line leaves it running.
    const say = (line: string): void => {
      try {
        if (typeof pipe === "number") writeSync(pipe, `${line}\n`);
      } catch {
        // It has ended: the command is as well off as without it.
      }
    };
    return {
      watch: (target, graceMs) => say(`${target} ${(graceMs / 1000).toFixed(3)}`),
      dismiss: () => say("over"),
    };
  } catch {
    return null;
  }
}

/** As a shell says it: 127 where there is no such command, 126 where there is, and it cannot be run. */
export function unstartable(name: string, error: unknown): OperatorError {
  const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return new OperatorError({
    code: isMissing ? "no-such-command" : "command-not-executable",
    what: `the command ${name} could not be started`,
    why: isMissing
      ? "there is no such file, and none of that name on the path"
      : error instanceof Error
        ? error.message
        : String(error),
    fix: [
      isMissing ? "check its name" : "check who may execute it",
      `a line for the shell is: -- sh -c 'LINE'`,
    ],
    exit: isMissing ? exits.noCommand : exits.notExecutable,
    applied: "no",
    meaning: "nothing was run",
  });
}

/** 128 and the signal's number, as shells have it. */
export const exitOfEnd = ({ code, signal }: CommandEnd): number =>
  signal === null
    ? (code ?? 1)
    : 128 + (constants.signals[signal as keyof typeof constants.signals] ?? 0);
