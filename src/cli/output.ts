/**
 * Where a command's result goes: stdout, in the notation that was asked for. A reader that has gone
 * away (`| head -1`) is not an error: `ClosedPipe` ends the program quietly. Everything else that
 * the program says goes to stderr, through `Messages`.
 */

import { unreachable } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import { print } from "../sexp/print.ts";
import type { Sexp } from "../sexp/value.ts";
import type { Paint, StreamKind } from "./paint.ts";

export type Format = "text" | "json" | "sexpr";

/** The reader of stdout has gone away; nobody is left to be told anything. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/** What bytes are written to: `Bun.stdout.writer()`, or a test's. */
export type Sink = {
  write(bytes: string | Uint8Array): unknown;
  flush(): unknown;
};

/** One result in three notations; only the one asked for is made. */
export type Result = {
  readonly text: () => string;
  readonly json: () => unknown;
  readonly sexpr: () => Sexp;
};

const bufferedCharactersMax = 1 << 15;

export class Output {
  readonly format: Format;
  readonly stream: StreamKind;
  readonly paint: Paint;
  readonly #sink: Sink;
  #buffered = 0;

  constructor(parts: { sink: Sink; format: Format; stream: StreamKind; paint: Paint }) {
    this.#sink = parts.sink;
    this.format = parts.format;
    this.stream = parts.stream;
    this.paint = parts.paint;
  }

  /** A result, or one item of a stream, on its own line. Nothing is printed for an empty text. */
  async result(result: Result): Promise<void> {
    switch (this.format) {
      case "text": {
        const text = result.text();
        return text === "" ? undefined : this.line(text);
      }
      case "json":
        return this.line(JSON.stringify(result.json()));
      case "sexpr":
        return this.line(print(result.sexpr()));
      default:
        return unreachable(this.format);
    }
  }

  line(text: string): Promise<void> {
    return this.raw(`${text}\n`);
  }

  /**
   * Exactly these bytes. Waits where the reader is slow; follow with `flush` where a person waits.
   */
  async raw(bytes: string | Uint8Array): Promise<void> {
    await guarded(() => this.#sink.write(bytes));
    this.#buffered += bytes.length;
    if (this.#buffered >= bufferedCharactersMax || this.stream === "terminal") await this.flush();
  }

  async flush(): Promise<void> {
    this.#buffered = 0;
    await guarded(() => this.#sink.flush());
  }
}

async function guarded(write: () => unknown): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw isClosedPipe(error) ? new ClosedPipe("stdout is closed") : unwritable(error);
  }
}

/** A full disk behind stdout, say: this machine is in the way, not a bug. */
const unwritable = (error: unknown): OperatorError =>
  new OperatorError({
    code: "stdout-failed",
    what: "the result could not be written",
    why: error instanceof Error ? error.message : String(error),
    fix: ["write it somewhere else"],
    exit: 7,
    meaning: "what was asked for was done, as far as it was said",
  });

const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EPIPE";

/** Hints and progress for people, on stderr. A closed stderr is nobody's loss. */
export class Messages {
  readonly stream: StreamKind;
  readonly paint: Paint;
  readonly #sink: Sink;

  constructor(parts: { sink: Sink; stream: StreamKind; paint: Paint }) {
    this.#sink = parts.sink;
    this.stream = parts.stream;
    this.paint = parts.paint;
  }

  async line(text: string): Promise<void> {
    try {
      await this.#sink.write(`${text}\n`);
      await this.#sink.flush();
    } catch (error) {
      if (!isClosedPipe(error)) throw error;
    }
  }
}
