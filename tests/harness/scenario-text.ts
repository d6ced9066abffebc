/**
 * The text of a scenario: blocks of comments, commands, `----`, and what is expected; an empty line ends a block.
 * What is not understood is refused, and what is read is written back byte for byte.
 */
import { nodeId } from "../../src/base/numbers.ts";
import type { Edit } from "../../src/raft/edits.ts";
import type { ClusterOptions, Start } from "./cluster.ts";

/** Text before the commands, the commands, and what is expected of them. */
export type Block = {
  readonly comments: string;
  readonly commands: string[];
  readonly expected: string;
};

export function parse(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let comments = "";
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    if (line === "" || line.startsWith("#")) {
      comments += at < lines.length - 1 ? `${line}\n` : line;
      at += 1;
      continue;
    }
    const dashes = lines.indexOf("----", at);
    if (dashes < 0) throw new Error(`line ${at + 1}: commands end with ----`);
    const end = lines.indexOf("", dashes);
    const expected = lines.slice(dashes + 1, end < 0 ? lines.length : end).join("\n");
    blocks.push({ comments, commands: lines.slice(at, dashes), expected });
    comments = "";
    at = end < 0 ? lines.length : end;
  }
  if (comments.trim() !== "") throw new Error("a comment stands before what it explains");
  return blocks;
}

export const render = (blocks: readonly Block[]): string =>
  blocks.map((b) => `${b.comments}${b.commands.join("\n")}\n----\n${b.expected}\n`).join("");

/** The first block: `cluster …`, and a row for each server. */
export function clusterOptions([head = "", ...rows]: readonly string[]): ClusterOptions {
  const match =
    /^cluster(?: (\d+))?( without-pre-vote)?(?: append-bytes (\d+))?(?: voters((?: n\d+)+))?$/.exec(
      head,
    );
  if (match === null) throw new Error(`a scenario begins with "cluster", not "${head}"`);
  const voters = match[4]?.trim().split(" ").map(serverNumber).map(nodeId);
  return {
    ...(voters === undefined ? {} : { configuration: { voters, outgoing: [], learners: [] } }),
    servers: match[1] === undefined ? rows.map(parseStart) : Number(match[1]),
    preVote: match[2] === undefined ? "with-pre-vote" : "without-pre-vote",
    appendBytesMax: Number(match[3] ?? 10_000),
  };
}

function parseStart(text: string): Start {
  const match = /^n(\d+) T(\d+)(?: voted=n(\d+))? \[([\d ]*)\]$/.exec(text);
  if (match === null) throw new Error(`a server looks like "n1 T2 [1 1 2]", not "${text}"`);
  const log = (match[4] ?? "").split(" ").filter((word) => word !== "");
  const start = { id: Number(match[1]), term: Number(match[2]), log: log.map(Number) };
  return match[3] === undefined ? start : { ...start, votedFor: Number(match[3]) };
}

export function serverNumber(text: string | undefined): number {
  const match = /^n(\d+)$/.exec(text ?? "");
  if (match === null) throw new Error(`"${text}" is no server`);
  return Number(match[1]);
}

export function wholeNumber(text: string | undefined): number {
  if (!/^\d+$/.test(text ?? "")) throw new Error(`"${text}" is no number`);
  return Number(text);
}

/** `+n4` adds a learner, `^n4` gives it a vote, `-n3` removes. */
export function parseEdit(text: string): Edit {
  const id = nodeId(serverNumber(text.slice(1)));
  switch (text[0]) {
    case "+":
      return { kind: "add", place: { id, address: null, incarnation: null } };
    case "^":
      return { kind: "promote", id };
    case "-":
      return { kind: "remove", id };
    default:
      throw new Error(`a change is +n4, ^n4 or -n4, not "${text}"`);
  }
}
