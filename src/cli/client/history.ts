/**
 * The lines typed at the prompt, kept in the data folder for the next time. The file is its owner's
 * alone, because values are typed too. Each line is appended when it is typed, so two prompts do
 * not lose each other's lines; the file is cut to its newest lines when it has grown to twice what
 * is kept. Nothing is kept where there is no data folder.
 */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export const limits = { linesMax: 1000, lineCharactersMax: 4096 } as const;

const ownerOnly = 0o600;

export const historyPath = (dataFolder: string): string => join(dataFolder, "client-history.txt");

export class History {
  /** The oldest first. */
  readonly lines: readonly string[];
  readonly #path: string | null;
  /** Why nothing is kept, if so. */
  problem: string | null = null;

  constructor(dataFolder: string) {
    this.#path = existsSync(dataFolder) ? historyPath(dataFolder) : null;
    this.lines = this.#attempt(() => this.#load()) ?? [];
  }

  #load(): readonly string[] {
    if (this.#path === null || !existsSync(this.#path)) return [];
    chmodSync(this.#path, ownerOnly);
    const lines = readFileSync(this.#path, "utf8").split("\n").filter(isKept);
    const kept = lines.slice(-limits.linesMax);
    if (lines.length > 2 * limits.linesMax) {
      const aside = `${this.#path}.${process.pid}.new`;
      writeFileSync(aside, `${kept.join("\n")}\n`, { mode: ownerOnly });
      renameSync(aside, this.#path);
    }
    return kept;
  }

  add(line: string): void {
    const path = this.#path;
    if (path === null || this.problem !== null || !isKept(line)) return;
    this.#attempt(() => appendFileSync(path, `${line}\n`, { mode: ownerOnly }));
  }

  /** A history that cannot be kept is no reason not to work. */
  #attempt<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      return null;
    }
  }
}

const isKept = (line: string): boolean =>
  line.trim() !== "" && line.length <= limits.lineCharactersMax && !/[\n\r]/.test(line);
