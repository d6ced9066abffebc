/**
 * Commands from a pipe: no prompt, one command a line, and the first that fails ends it with its
 * exit code.
 */
import { exits } from "../../base/error.ts";
import type { CommandExit } from "../command.ts";
import type { Program } from "../program.ts";
import { exitOfSignal } from "../signals.ts";
import { type Commands, malformedLine } from "./commands.ts";
import type { Connection } from "./place.ts";

export const limits = {
  /** Room for a value of 1 MiB in hex, and for much else. */
  lineBytesMax: 4 << 20,
} as const;

export async function runScript(parts: {
  readonly commands: Commands;
  readonly connection: Connection;
  readonly program: Program;
  readonly parts: AsyncIterable<Uint8Array>;
}): Promise<CommandExit> {
  const { commands, connection, program } = parts;
  const lines = linesOf(parts.parts)[Symbol.asyncIterator]();
  let before = "";
  for (;;) {
    const next = await Promise.race([lines.next(), connection.interrupted]);
    if (typeof next === "string") return exitOfSignal(next);
    if (next.done === true) {
      if (before === "") return exits.done;
      throw malformedLine("the input ends inside of an expression");
    }
    const text = before + next.value;
    const ran = await commands.run(text);
    // Whoever feeds the pipe may wait for the answer before the next line.
    await program.output.flush();
    if (ran.kind === "ended") return exits.done;
    if (ran.kind === "unfinished") before = `${text}\n`;
    else if (ran.exit !== exits.done) return ran.exit;
    else before = "";
  }
}

/** Strictly UTF-8: a letter that cannot be read would become another. */
export async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let pending = "";
  for await (const part of parts) {
    pending += decoded(() => decoder.decode(part, { stream: true }));
    const lines = pending.split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
    if (pending.length > limits.lineBytesMax) {
      throw malformedLine(`it has more than ${limits.lineBytesMax} characters`);
    }
  }
  pending += decoded(() => decoder.decode());
  if (pending !== "") yield pending;
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw malformedLine('the input is not UTF-8; bytes are written in hex: (put "k" #x"00ff")');
  }
}
