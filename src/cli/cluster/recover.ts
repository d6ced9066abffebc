/**
 * `cluster recover`: when a majority of a cluster is gone for good, a new cluster of what is left. It is another one,
 * with another id: nobody who comes back from the old one can join it, or be believed by it. What the lost nodes had
 * acknowledged without the ones that are left is lost; so it is said first what that may be.
 */
import { must } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { describeProblem } from "../../journal/errors.ts";
import { bestOf, type Loss, lossOf, type Readable, type Survivor } from "../../journal/survivor.ts";
import { readClusterFile } from "../../runtime/cluster-file.ts";
import { type ClusterPlan, planCluster } from "../../runtime/cluster-plan.ts";
import { formatClusterId } from "../../runtime/node-config.ts";
import { namesIn, readSurvivors, writeCluster } from "../../runtime/recovery.ts";
import { form, type SexpInput, word } from "../../sexp/value.ts";
import { command } from "../command.ts";
import { countFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import type { Program } from "../program.ts";

const nodesMax = 99;

export const recoverCommand = command({
  name: "recover",
  description: "Make a new cluster of what is left of one. The old files are not touched.",
  args: {
    "dry-run": {
      type: "boolean",
      description: "Say what is left and what may be lost; make nothing",
    },
    out: { type: "string", valueHint: "folder", description: "Where the new cluster is made" },
    from: {
      type: "string",
      valueHint: "node",
      description: "Whose log the new cluster begins with; --dry-run says who has the most",
    },
    nodes: {
      type: "string",
      valueHint: "count",
      description: "How many nodes; default: as many as before",
    },
  },
  examples: [
    { line: "rusty-boat cluster recover --dry-run", does: "first" },
    {
      line: "rusty-boat cluster recover --from 2 --out recovered",
      does: "then: rusty-boat cluster up --data recovered",
    },
  ],
  async run({ args, program }) {
    const survivors = readSurvivors(args.data);
    const best = bestOf(survivors);
    if (best === null) throw nothingLeft(args.data, survivors);
    const chosen = args.from === undefined ? best : chosenOf(survivors, args.from);
    const loss = lossOf(chosen, survivors);
    const report = { folder: args.data, survivors, best, chosen, loss };
    if (args["dry-run"] === true) {
      await say(program, { ...report, made: null });
      return exits.done;
    }
    if (args.from === undefined) throw dryRunFirst(args.data);
    const plan = planOf(args, chosen);
    writeCluster({ folder: args.data, node: chosen.node }, plan);
    await say(program, { ...report, made: plan });
    return exits.done;
  },
});

function chosenOf(survivors: readonly Survivor[], text: string): Readable {
  const id = countFlag(
    { source: "--from", value: text.replace(/^node/, "") },
    { min: 1, max: 65_535 },
  );
  const found = survivors.find(({ node }) => node === id);
  if (found?.kind === "readable") return found;
  throw badValue({
    source: "--from",
    value: text,
    expected: "a node whose log can be read",
    example: "rusty-boat cluster recover --dry-run lists them",
  });
}

function planOf(
  args: {
    readonly data: string;
    readonly out?: string | undefined;
    readonly nodes?: string | undefined;
  },
  chosen: Readable,
): ClusterPlan {
  const { out } = args;
  if (out === undefined) throw noFolder();
  if (namesIn(out).length > 0) throw notEmpty(out);
  const old = readClusterFile(args.data);
  const members = must(chosen.reading.standing, "it is readable").configuration.voters.length;
  const nodes =
    args.nodes === undefined
      ? (old?.nodes.length ?? Math.max(1, members))
      : countFlag({ source: "--nodes", value: args.nodes }, { min: 1, max: nodesMax });
  return planCluster({
    ...{ dataFolder: out, nodes, basePort: old?.basePort ?? null, clusterId: null },
    ...{ secretFile: old?.secretFile ?? null, start: "keep-data" },
  });
}

type Report = {
  readonly folder: string;
  readonly survivors: readonly Survivor[];
  readonly best: Readable;
  readonly chosen: Readable;
  readonly loss: Loss;
  readonly made: ClusterPlan | null;
};

function say(program: Program, report: Report): Promise<void> {
  const { survivors, chosen, loss, made } = report;
  const { index, term } = chosen.last;
  return program.output.result({
    text: () => textOf(report).join("\n"),
    json: () => ({
      ...{ ok: true, dryRun: made === null, from: chosen.node, best: report.best.node },
      last: { index, term },
      survivors: survivors.map(survivorJson),
      ...loss,
      cluster: made === null ? null : formatClusterId(made.clusterId),
      out: made?.dataFolder ?? null,
      nodes: made === null ? null : [...made.nodes.keys()],
    }),
    sexpr: () => {
      const parts: SexpInput[] = [form("from", chosen.node), form("last", index, term)];
      parts.push(form("majority", word(loss.majority)), form("committed", loss.committed));
      if (loss.lost !== null) parts.push(form("lost", loss.lost.from, loss.lost.to));
      if (loss.undecided !== null)
        parts.push(form("undecided", loss.undecided.from, loss.undecided.to));
      if (made !== null) parts.push(form("cluster", formatClusterId(made.clusterId)));
      return form(made === null ? "recover-plan" : "recovered", ...parts);
    },
  });
}

function textOf({ folder, survivors, best, chosen, loss, made }: Report): readonly string[] {
  const { index, term } = chosen.last;
  const lines = survivors.map((one) => `node${one.node}  ${survivorText(one)}`);
  lines.push(`node${chosen.node} it is: entries up to ${index} of term ${term} are kept`);
  if (chosen.node !== best.node) lines.push(`        though node${best.node} has more`);
  lines.push(...lossText(loss, index));
  if (made === null) {
    const words = `--data ${folder} --from ${chosen.node} --out recovered`;
    lines.push(`dry run, nothing was made; next: rusty-boat cluster recover ${words}`);
    return lines;
  }
  const count = made.nodes.size;
  lines.push(
    `made    cluster ${formatClusterId(made.clusterId)} of ${count} nodes in ${made.dataFolder}`,
  );
  lines.push(`        rusty-boat cluster up --data ${made.dataFolder}`);
  return lines;
}

function survivorText(survivor: Survivor): string {
  switch (survivor.kind) {
    case "readable":
      return (
        `last entry ${survivor.last.index} of term ${survivor.last.term}, ` +
        `committed up to ${survivor.commit} at least`
      );
    case "damaged":
      return `not used: ${survivor.problem.file} is damaged at byte ${survivor.problem.offset}`;
    case "without-snapshot":
      return "not used: its log begins behind a snapshot that is missing or damaged";
  }
}

function lossText({ majority, committed, lost, undecided }: Loss, last: number): readonly string[] {
  const lines: string[] = [];
  if (lost !== null)
    lines.push(`lost    entries ${lost.from} to ${lost.to} were committed, and are not in it`);
  if (majority === "here") {
    lines.push(
      "        a majority of the logs is here: the one with the most has all that was acknowledged",
    );
    lines.push("        with these files `cluster up` needs no recovery");
  } else {
    lines.push(
      `lost?   writes behind entry ${Math.max(last, committed)} that were acknowledged without these nodes`,
    );
  }
  if (undecided !== null) {
    lines.push(
      `kept?   entries ${undecided.from} to ${undecided.to}: nobody here knows whether they were acknowledged`,
    );
  }
  return lines;
}

const survivorJson = (survivor: Survivor): object => {
  const { node, kind } = survivor;
  if (kind !== "readable") {
    return { node, kind, why: kind === "damaged" ? describeProblem(survivor.problem) : null };
  }
  const { last, commit } = survivor;
  return { node, kind, last: { index: last.index, term: last.term }, commit };
};

const nothingLeft = (folder: string, survivors: readonly Survivor[]): OperatorError =>
  new OperatorError({
    code: "nothing-left",
    what: `no log in ${folder} can be read`,
    why:
      survivors.length === 0
        ? "there is none"
        : survivors.map((one) => `node${one.node} ${survivorText(one)}`).join("; "),
    fix: [
      "name the folder with the nodes' files: --data FOLDER",
      "of a damaged log: rusty-boat inspect FILE --repair-copy FOLDER, and recover from there",
    ],
    exit: survivors.length === 0 ? exits.no : exits.damaged,
    meaning: "nothing was changed",
  });

function usage(code: string, what: string, why: string, fix: string): OperatorError {
  const meaning = "nothing was changed";
  return new OperatorError({ code, what, why, fix: [fix], exit: exits.usage, meaning });
}

const dryRunFirst = (folder: string): OperatorError =>
  usage(
    "dry-run-first",
    "recover was not told from which node",
    "it may lose what the others had acknowledged, and so is never guessed",
    `rusty-boat cluster recover --data ${folder} --dry-run`,
  );

const noFolder = (): OperatorError =>
  usage(
    "missing-flag",
    "recover needs --out",
    "the new cluster is made beside the old one",
    "--out recovered",
  );

const notEmpty = (folder: string): OperatorError =>
  usage(
    "not-empty",
    `${folder} is not empty`,
    "a new cluster is made where there is nothing",
    "--out recovered",
  );
