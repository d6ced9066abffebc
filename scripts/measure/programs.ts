/** Programs that are run to be measured: the executable of this checkout, and its helpers. */
import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";

export const home = dirname(dirname(import.meta.dir));
export const executable = join(home, "dist", "rusty-boat");

/** Progress and what is left out, on stderr: stdout is for the figures. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Runs it to its end; throws with what it said where that is not well. */
export async function output(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exit = await child.exited;
  if (exit !== 0) throw new Error(`${words.join(" ")} ended with ${exit}: ${said}${complained}`);
  return said;
}

/** What is measured is what the sources say now. */
export const buildExecutable = (): Promise<string> =>
  output([process.execPath, join(home, "scripts", "build.ts"), "--if-stale"]);

/** Where the figures are from: they mean nothing without. */
export const machine = (): string =>
  `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${process.platform}, Bun ${Bun.version}`;

const load = (): string => (loadavg()[0] ?? 0).toFixed(2);

/** What else ran: the load average of the minute before the call, and of the minute before the returned one. */
export function watchLoad(): () => string {
  const before = load();
  return () => `load average ${before} before, ${load()} at the end`;
}

/** A whole number of the command line, from `least` on; ends the program where it is none. */
export function count(text: string, flag: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  say(`${flag} is a whole number from ${least}, not "${text}"`);
  process.exit(2);
}

/** A file of /proc, or null where there is none. */
export const procFile = (path: string): string | null =>
  existsSync(path) ? readFileSync(path, "utf8") : null;
