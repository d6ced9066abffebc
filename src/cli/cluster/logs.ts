/**
 * `cluster logs`: what the nodes said on stderr, from their files; works when nothing is running.
 */
import { resolve } from "node:path";
import { exits, OperatorError } from "../../base/error.ts";
import type { NodeId } from "../../base/numbers.ts";
import { readClusterFile } from "../../runtime/cluster-file.ts";
import { nodeLogPath } from "../../runtime/local-cluster.ts";
import { lastLines, limits, linesAfter } from "../../runtime/tail.ts";
import { form } from "../../sexp/value.ts";
import { command } from "../command.ts";
import { countFlag, nodeFlag } from "../flag.ts";
import type { Output } from "../output.ts";
import { visible } from "../paint.ts";
import { Signals } from "../signals.ts";

const linesMax = 1_000_000;

export const logsCommand = command({
  name: "logs",
  description: "Show what the nodes say about themselves.",
  args: {
    node: { type: "positional", required: false, description: "One node; all without it" },
    follow: {
      type: "boolean",
      alias: "f",
      description: "Go on with what is added, until interrupted",
    },
    lines: {
      type: "string",
      valueHint: "count",
      default: "100",
      description: "Of each node, at most",
    },
  },
  examples: [
    { line: "rusty-boat cluster logs", does: "the last lines of every node" },
    { line: "rusty-boat cluster logs 3 -f", does: "node3, as it happens" },
  ],
  async run({ args, program }) {
    const dataFolder = resolve(args.data);
    const count = countFlag({ source: "--lines", value: args.lines }, { min: 0, max: linesMax });
    const nodes = chosenNodes(dataFolder, args.node);
    const readers = nodes.map((node) => ({ node, path: nodeLogPath(dataFolder, node), offset: 0 }));
    const alone = readers.length === 1 ? "alone" : "among-others";
    for (const reader of readers) {
      const { lines, offset } = lastLines(reader.path, count);
      reader.offset = offset;
      for (const line of lines) await show(program.output, { node: reader.node, line, alone });
    }
    if (args.follow === true) await follow(program.output, readers, alone);
    return exits.done;
  },
});

type Reader = { readonly node: NodeId; readonly path: string; offset: number };
type Company = "alone" | "among-others";

async function follow(output: Output, readers: readonly Reader[], alone: Company): Promise<void> {
  const signals = new Signals();
  const interrupted = signals.next();
  try {
    for (;;) {
      for (const reader of readers) {
        const { lines, offset } = linesAfter(reader.path, reader.offset);
        reader.offset = offset;
        for (const line of lines) await show(output, { node: reader.node, line, alone });
      }
      await output.flush();
      const next = await Promise.race([interrupted, Bun.sleep(limits.pollMs)]);
      if (next !== undefined) return;
    }
  } finally {
    signals.close();
  }
}

type Shown = { readonly node: NodeId; readonly line: string; readonly alone: Company };

const show = (output: Output, { node, line, alone }: Shown): Promise<void> =>
  output.result({
    text: () => {
      const text = visible(line) || " ";
      return alone === "alone" ? text : `${output.paint.cyan(`node${node}`)} | ${text}`;
    },
    json: () => ({ node, line }),
    sexpr: () => form("line", node, line),
  });

function chosenNodes(dataFolder: string, name: string | undefined): readonly NodeId[] {
  if (name !== undefined) return [nodeFlag({ source: "NODE", value: name })];
  const file = readClusterFile(dataFolder);
  if (file !== null) return file.nodes.map((node) => node.id);
  throw new OperatorError({
    code: "no-cluster",
    what: `there are no logs in ${dataFolder}`,
    why: "it has no cluster.json: no cluster was ever started there",
    fix: ["rusty-boat cluster up", "name the folder: --data FOLDER"],
    exit: exits.unreachable,
  });
}
