/**
 * `cluster up --detach`: the same command again, as a supervisor of its own that outlives this
 * terminal.
 */
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exits, OperatorError } from "../../base/error.ts";
import { readClusterFile } from "../../runtime/cluster-file.ts";
import { callControl, type Ready } from "../../runtime/control.ts";
import { inheritedEnvironment, selfProgram } from "../../runtime/node-process.ts";
import type { CommandExit } from "../command.ts";
import type { Program } from "../program.ts";
import { exitOfSignal, Signals } from "../signals.ts";
import { eventResult } from "./event-view.ts";

const patience = { readyMs: 30_000, pollMs: 25, answerMs: 1000 } as const;

export async function detach(
  program: Program,
  parts: { readonly dataFolder: string; readonly words: readonly string[] },
): Promise<CommandExit> {
  const { dataFolder } = parts;
  const logPath = join(dataFolder, "cluster.txt");
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const supervisor = spawnSupervisor(parts.words, logPath);
  const signals = new Signals();
  try {
    const outcome = await Promise.race([
      untilReady(dataFolder, supervisor),
      supervisor.exited.then(() => "ended" as const),
      signals.next().then((name) => ({ name })),
    ]);
    if (outcome === "ended") return await relayFailure(program, supervisor, logPath);
    if (outcome === "too-slow") throw notReady(dataFolder, supervisor.pid);
    if ("name" in outcome) {
      supervisor.kill("SIGTERM");
      await supervisor.exited;
      return exitOfSignal(outcome.name);
    }
    await program.output.result(eventResult({ kind: "ready", ...outcome }));
    return exits.done;
  } finally {
    signals.close();
    supervisor.unref();
  }
}

/** Its own session, so that this terminal's Ctrl-C and hangup do not reach it. */
function spawnSupervisor(words: readonly string[], logPath: string): Bun.Subprocess {
  const log = openSync(logPath, "w", 0o600);
  try {
    return Bun.spawn([...selfProgram(), ...words], {
      detached: true,
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: inheritedEnvironment(),
    });
  } finally {
    closeSync(log);
  }
}

async function untilReady(
  dataFolder: string,
  child: Bun.Subprocess,
): Promise<Ready | "too-slow" | "ended"> {
  const deadline = performance.now() + patience.readyMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) return "ended";
    const supervisor = readClusterFile(dataFolder)?.supervisor ?? null;
    if (supervisor?.pid === child.pid) {
      const reply = await callControl(supervisor, { kind: "state" }, patience.answerMs);
      if (reply?.kind === "done" && reply.ready !== null) return reply.ready;
    }
    await Bun.sleep(patience.pollMs);
  }
  return "too-slow";
}

/** What it said, as it said it: it was asked for the same notation. */
async function relayFailure(
  program: Program,
  child: Bun.Subprocess,
  logPath: string,
): Promise<CommandExit> {
  await program.messages.line(readFileSync(logPath, "utf8").trimEnd());
  const known = Object.values(exits).find((exit) => exit === child.exitCode);
  return known === undefined || known === exits.done ? exits.local : known;
}

function notReady(dataFolder: string, pid: number): OperatorError {
  return new OperatorError({
    code: "no-quorum",
    what: "the cluster was started, and has no leader yet",
    why: `it has been ${patience.readyMs / 1000} s; process ${pid} goes on with it`,
    fix: [
      `rusty-boat cluster status --data ${dataFolder}`,
      `rusty-boat cluster down --data ${dataFolder}`,
    ],
    exit: exits.notApplied,
  });
}
