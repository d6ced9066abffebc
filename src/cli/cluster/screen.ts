/**
 * The live view of `cluster up` on a terminal: the nodes, redrawn in place below the events, and
 * keys. Events scroll by as ordinary lines, so that they stay to be read and copied after the end.
 */
import { must, unreachable } from "../../base/assert.ts";
import { OperatorError } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import { type LocalCluster, nodeLogPath } from "../../runtime/local-cluster.ts";
import { lastLines } from "../../runtime/tail.ts";
import { ClosedPipe, type Output } from "../output.ts";
import { visible } from "../paint.ts";
import { formatProblem, operatorError } from "../problem.ts";
import type { Signals } from "../signals.ts";
import { readGroups } from "./act.ts";
import type { Shower } from "./event-lines.ts";
import { eventText, type ShownEvent } from "./event-view.ts";
import { type KeyAction, keyAction, viewLines } from "./screen-view.ts";

const redrawMs = 200;
const linesOfLog = 15;
const typedMax = 200;

type Parts = {
  readonly output: Output;
  readonly cluster: LocalCluster;
  readonly signals: Signals;
  readonly dataFolder: string;
};

export class Screen implements Shower {
  readonly #parts: Parts;
  readonly #closed = Promise.withResolvers<"closed">();
  readonly #redraw: ReturnType<typeof setInterval>;
  #selected: NodeId;
  #typed: string | null = null;
  #help: "shown" | "hidden" = "hidden";
  /** Lines of the view that are on the screen now. */
  #drawn: readonly string[] = [];
  #written: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#selected = must(parts.cluster.members[0], "a cluster has a node").id;
    process.stdin.setRawMode(true);
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", this.#onInput);
    this.#redraw = setInterval(() => this.#draw([]), redrawMs);
  }

  get closed(): Promise<"closed"> {
    return this.#closed.promise;
  }

  readonly show = (event: ShownEvent): void => {
    const { paint } = this.#parts.output;
    const text = eventText(event);
    const lines = text.split("\n");
    if (event.kind === "ready") this.#draw([paint.green(text)]);
    else this.#draw(event.kind === "ended" ? lines.map(paint.yellow) : lines);
  };

  /** Leaves the terminal as it was, with the events on it and without the view. */
  readonly close = async (): Promise<void> => {
    clearInterval(this.#redraw);
    process.stdin.off("data", this.#onInput);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    this.#put(this.#erasing());
    await this.#written;
  };

  readonly #onInput = (data: string | Buffer): void => {
    for (const key of keysIn(String(data))) {
      if (this.#typed !== null) this.#type(key);
      else this.#perform(keyAction(key, this.#parts.cluster.members, this.#selected));
    }
  };

  #perform(action: KeyAction): void {
    const { cluster, signals } = this.#parts;
    switch (action.kind) {
      case "select":
        this.#selected = action.node;
        return this.#draw([]);
      case "logs":
        return this.#showLog(action.node);
      case "help":
        this.#help = this.#help === "shown" ? "hidden" : "shown";
        return this.#draw([]);
      case "ask-partition":
        this.#typed = "";
        return this.#draw([]);
      case "quit":
      case "interrupt":
        return signals.raise("SIGINT");
      case "nothing":
        return;
      case "heal":
      case "kill":
      case "stop":
      case "restart":
      case "pause":
      case "resume":
        void cluster.act(action).catch(this.#explain);
        return;
      default:
        return unreachable(action);
    }
  }

  /** A line of text: Enter cuts the network, Escape forgets it. */
  #type(key: string): void {
    const typed = this.#typed ?? "";
    if (key === "\u0003" || key === escapeKey) this.#typed = null;
    else if (key === "\u007f" || key === "\b") this.#typed = typed.slice(0, -1);
    else if (key === "\r" || key === "\n") {
      this.#typed = null;
      this.#cut(typed);
    } else if (typed.length < typedMax && /^[\d,/node ]+$/.test(key)) this.#typed = typed + key;
    this.#draw([]);
  }

  #cut(text: string): void {
    try {
      const partition = { groups: readGroups(text), direction: "both-ways" } as const;
      void this.#parts.cluster.act({ kind: "partition", partition }).catch(this.#explain);
    } catch (error) {
      this.#explain(error);
    }
  }

  readonly #explain = (error: unknown): void => {
    const { paint } = this.#parts.output;
    if (error instanceof OperatorError) this.#draw([paint.yellow(error.message)]);
    else this.#draw(formatProblem(operatorError(error), "text", paint).split("\n"));
  };

  #showLog(node: NodeId): void {
    const { output, dataFolder } = this.#parts;
    const { lines } = lastLines(nodeLogPath(dataFolder, node), linesOfLog);
    const title = output.paint.bold(`the log of node${node}, last ${lines.length} lines:`);
    this.#draw([title, ...lines.map((line) => `  ${visible(line)}`)]);
  }

  /** Prints lines above the view, and the view anew where it changed. */
  #draw(above: readonly string[]): void {
    const { cluster, output } = this.#parts;
    const view = viewLines({
      members: cluster.members,
      status: cluster.status,
      partition: cluster.partition,
      selected: this.#selected,
      typed: this.#typed,
      help: this.#help,
      columns: process.stdout.columns || 80,
      paint: output.paint,
    });
    if (above.length === 0 && view.join("\n") === this.#drawn.join("\n")) return;
    const erasing = this.#erasing();
    this.#drawn = view;
    this.#put(`${erasing}${[...above, ...view].join("\n")}\n`);
  }

  #erasing(): string {
    const lines = this.#drawn.length;
    this.#drawn = [];
    return lines === 0 ? "" : `\u001b[${lines}A\u001b[J`;
  }

  #put(text: string): void {
    this.#written = this.#written.then(async () => {
      try {
        await this.#parts.output.raw(text);
        await this.#parts.output.flush();
      } catch (error) {
        if (!(error instanceof ClosedPipe)) throw error;
        this.#closed.resolve("closed");
      }
    });
  }
}

const escapeKey = "\u001b";

/** Several keys may arrive at once; an arrow is one key of three characters. */
export function keysIn(data: string): readonly string[] {
  const keys: string[] = [];
  const characters = [...data];
  for (let at = 0; at < characters.length; at++) {
    const length = characters[at] === escapeKey && characters[at + 1] === "[" ? 3 : 1;
    keys.push(characters.slice(at, at + length).join(""));
    at += length - 1;
  }
  return keys;
}
