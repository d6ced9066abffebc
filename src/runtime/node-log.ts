/** A node's log: sentences on stderr, each with the time of day. */
import { createConsola, LogLevels } from "consola/basic";
import type { LogLevel } from "./node-config.ts";

export type NodeLog = {
  readonly info: (sentence: string) => void;
  readonly warn: (sentence: string) => void;
  readonly debug: (sentence: string) => void;
};

const levels: Record<LogLevel, number> = {
  silent: LogLevels.silent,
  error: LogLevels.error,
  warn: LogLevels.warn,
  info: LogLevels.info,
  debug: LogLevels.debug,
};

export function openLog(level: LogLevel): NodeLog {
  const consola = createConsola({
    level: levels[level],
    stdout: process.stderr,
    stderr: process.stderr,
    // Equal lines are not merged: how often a thing happened matters.
    throttleMin: Number.MAX_SAFE_INTEGER,
    formatOptions: { date: true },
  });
  const line = (sentence: string): string => `${new Date().toISOString()} ${sentence}`;
  return {
    info: (sentence) => consola.info(line(sentence)),
    warn: (sentence) => consola.warn(line(sentence)),
    debug: (sentence) => consola.debug(line(sentence)),
  };
}
