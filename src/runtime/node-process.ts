/**
 * A node as a child process. Nodes stand in sessions of their own, so that Ctrl-C reaches the
 * supervisor alone, and hold a channel to it: when it breaks, they end themselves, so that no
 * supervisor leaves orphans.
 */
import { closeSync, openSync } from "node:fs";
import type { CommandEnd } from "../client/errand.ts";
import type { BlockMessage } from "./partition.ts";

export type NodeSignal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** A running node, as the supervisor knows it; tests have others than processes. */
export interface NodeProcess {
  readonly pid: number;
  readonly signal: (signal: NodeSignal) => void;
  readonly tell: (message: BlockMessage) => void;
  readonly ended: Promise<CommandEnd>;
}

/** The words that start this very program again. */
export const selfProgram = (): readonly string[] =>
  Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];

/** Settings meant for this process must not reach into the nodes: they are told all by flags. */
export function inheritedEnvironment(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("RUSTY_BOAT_"));
  return Object.fromEntries(kept);
}

export function spawnNode(parts: {
  readonly program: readonly string[];
  readonly words: readonly string[];
  /** Where its stderr is appended. */
  readonly logPath: string;
}): NodeProcess {
  const log = openSync(parts.logPath, "a", 0o600);
  try {
    const child = Bun.spawn([...parts.program, ...parts.words], {
      detached: true,
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: inheritedEnvironment(),
      serialization: "json",
      ipc: () => undefined,
    });
    return {
      pid: child.pid,
      signal: (signal) => child.kill(signal),
      tell: (message) => tell(child, message),
      ended: child.exited.then(() => endOf(child)),
    };
  } finally {
    closeSync(log);
  }
}

const endOf = ({ exitCode, signalCode }: Bun.Subprocess): CommandEnd =>
  signalCode === null
    ? { code: exitCode, signal: null }
    : { code: null, signal: String(signalCode) };

/** A node that is just ending has closed its channel: it will never need what it is not told. */
function tell(child: Bun.Subprocess, message: BlockMessage): void {
  try {
    child.send(message);
  } catch {
    // The end of the process is reported by `ended`.
  }
}

/** `exit 6`, `SIGKILL`. */
export const formatEnd = (end: CommandEnd): string => end.signal ?? `exit ${end.code ?? "unknown"}`;

/** Whether a process with this id exists; it may be another one than it once was. */
export function processExists(pid: number): "exists" | "gone" {
  try {
    process.kill(pid, 0);
    return "exists";
  } catch (error) {
    const denied = error instanceof Error && "code" in error && error.code === "EPERM";
    return denied ? "exists" : "gone";
  }
}
