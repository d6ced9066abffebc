/**
 * The prompt on a terminal: a line editor with history and completion. Lines typed ahead wait their
 * turn.
 */
import { resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { type Exit, exits } from "../../base/error.ts";
import type { CommandExit } from "../command.ts";
import type { Messages } from "../output.ts";
import type { Program } from "../program.ts";
import { exitOfSignal, type SignalName } from "../signals.ts";
import { version } from "../version.ts";
import { Commands } from "./commands.ts";
import { completions } from "./complete.ts";
import { History, limits } from "./history.ts";
import type { Connection, Place } from "./place.ts";

type Parts = {
  readonly connection: Connection;
  readonly program: Program;
  readonly place: Place;
  readonly timeout: string;
};

export async function runTerminal(parts: Parts): Promise<CommandExit> {
  const { connection, program, place } = parts;
  const history = new History(resolve(place.target?.data ?? "data"));
  if (history.problem !== null) {
    await program.messages.line(`the history is not kept: ${history.problem}`);
  }
  await program.messages.line(
    `rusty-boat ${version}, ${connection.source}. .help lists what can be typed, Ctrl-D ends.`,
  );
  const prompt = new Prompt(parts, history);
  const ended = await Promise.race([prompt.ended, connection.interrupted]);
  prompt.close();
  return typeof ended === "string" ? exitOfSignal(ended) : ended.exit;
}

const firstPrompt = "rusty-boat> ";
const nextPrompt = "        ... ";

class Prompt {
  readonly ended: Promise<{ readonly exit: Exit }>;
  readonly #commands: Commands;
  readonly #connection: Connection;
  readonly #history: History;
  readonly #messages: Messages;
  readonly #editor: Interface;
  readonly #end: (ended: { readonly exit: Exit }) => void;
  readonly #waiting: string[] = [];
  #state: "idle" | "busy" | "closed" = "idle";
  #inputEnded: "ended" | "open" = "open";
  /** Lines of an expression that is not finished. */
  #before = "";
  #cancelled: SignalName | null = null;

  constructor({ connection, program, place, timeout }: Parts, history: History) {
    const { promise, resolve: end } = Promise.withResolvers<{ readonly exit: Exit }>();
    this.ended = promise;
    this.#end = end;
    this.#connection = connection;
    this.#history = history;
    this.#messages = program.messages;
    const connect = async (): Promise<Connection> => ({
      ...connection,
      interruption: () => this.#cancelled ?? connection.interruption(),
      close: () => undefined,
    });
    this.#commands = new Commands({ program, place: { ...place, connect }, timeout });
    this.#editor = createInterface({
      input: process.stdin,
      // What is typed does not belong into a file of answers.
      output: program.output.stream === "terminal" ? process.stdout : process.stderr,
      terminal: true,
      history: [...history.lines].reverse(),
      historySize: limits.linesMax,
      removeHistoryDuplicates: true,
      prompt: firstPrompt,
      completer: (line: string, done: Done) => this.#complete(line, done),
    });
    this.#editor.on("line", (line) => this.#take(line));
    this.#editor.on("SIGINT", () => this.#cancel());
    this.#editor.on("close", () => this.#close());
    this.#editor.prompt();
  }

  close(): void {
    this.#state = "closed";
    this.#editor.close();
  }

  #complete(line: string, done: Done): void {
    completions(line, this.#connection.cluster).then(
      ([candidates, begun]) => done(null, [candidates, begun]),
      () => done(null, [[], line]),
    );
  }

  #take(line: string): void {
    this.#waiting.push(line);
    if (this.#state === "idle") void this.#work();
  }

  async #work(): Promise<void> {
    this.#state = "busy";
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.#cancelled = null;
      const text = this.#before + line;
      const ran = await this.#commands.run(text);
      if (ran.kind === "ended") {
        this.#end({ exit: exits.done });
        return;
      }
      if (ran.kind === "ran") this.#keep(text);
      this.#before = ran.kind === "unfinished" ? `${text}\n` : "";
    }
    if (this.#inputEnded === "ended") this.#end({ exit: exits.done });
    else {
      this.#state = "idle";
      this.#ask();
    }
  }

  /** An expression of several lines is kept as one, which a comment within would cut short. */
  #keep(text: string): void {
    if (!text.includes("\n") || !text.includes(";")) this.#history.add(text.replaceAll("\n", " "));
  }

  #ask(): void {
    this.#editor.setPrompt(this.#before === "" ? firstPrompt : nextPrompt);
    this.#editor.prompt();
  }

  /** Ctrl-C: gives up what runs and what was typed ahead, or clears what is being typed. */
  #cancel(): void {
    this.#waiting.length = 0;
    if (this.#state === "busy") {
      this.#cancelled = "SIGINT";
      this.#connection.cluster.giveUp();
      return;
    }
    this.#before = "";
    void this.#messages.line("^C");
    // To the end of the line, then all before it away.
    this.#editor.write(null, { ctrl: true, name: "e" });
    this.#editor.write(null, { ctrl: true, name: "u" });
    this.#ask();
  }

  /** Ctrl-D: what was typed before it is still done. */
  #close(): void {
    this.#inputEnded = "ended";
    if (this.#state === "idle") this.#end({ exit: exits.done });
  }
}

type Done = (error: null, result: [string[], string]) => void;
