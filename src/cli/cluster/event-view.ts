/**
 * What happens in a local cluster, a line per event, in three notations. Scripts wait for `ready`.
 */
import { unreachable } from "../../base/assert.ts";
import type { Ready } from "../../runtime/control.ts";
import type { ClusterEvent } from "../../runtime/local-cluster.ts";
import { formatEnd } from "../../runtime/node-process.ts";
import type { Sexp } from "../../sexp/value.ts";
import { form, string, word } from "../../sexp/value.ts";
import type { Result } from "../output.ts";
import { visible } from "../paint.ts";

export type ShownEvent = ClusterEvent | { readonly kind: "stopping" } | { readonly kind: "down" };

export const eventResult = (event: ShownEvent): Result => ({
  text: () => eventText(event),
  json: () => eventJson(event),
  sexpr: () => eventSexp(event),
});

export const readyText = ({ nodes, leader, term, ms }: Ready): string =>
  `ready ${nodes} ${nodes === 1 ? "node" : "nodes"}, leader node${leader} (term ${term}), ${ms} ms`;

export function eventText(event: ShownEvent): string {
  switch (event.kind) {
    case "ready":
      return readyText(event);
    case "leader":
      return `node${event.node} leads in term ${event.term}`;
    case "leaderless":
      return `no leader in term ${event.term}`;
    case "started":
      return `node${event.node} started, process ${event.pid}`;
    case "ended":
      return endedText(event);
    case "paused":
    case "resumed":
      return `node${event.node} is ${event.kind}`;
    case "forgotten":
      return `node${event.node} is no member any more; its data is kept`;
    case "partitioned":
      return `links are cut: ${event.partition}`;
    case "healed":
      return "all links are mended";
    case "stopping":
      return "stopping the nodes in order; once more to kill them";
    case "down":
      return "all nodes are down; their data is kept";
    default:
      return unreachable(event);
  }
}

function endedText(event: Extract<ShownEvent, { kind: "ended" }>): string {
  const end = formatEnd(event.end);
  const said = event.lines.map((line) => `\n    ${visible(line)}`).join("");
  switch (event.condition) {
    case "stopped":
      return `node${event.node} stopped (${end})`;
    case "killed":
      return `node${event.node} was killed`;
    case "failed":
      return `node${event.node} ended by itself (${end})${said === "" ? "" : "; it said last:"}${said}`;
    default:
      return unreachable(event.condition);
  }
}

function eventJson(event: ShownEvent): object {
  const { kind, ...rest } = event;
  return { event: kind, ...rest };
}

function eventSexp(event: ShownEvent): Sexp {
  switch (event.kind) {
    case "ready":
      return form(
        "ready",
        form("nodes", event.nodes),
        form("leader", event.leader),
        form("term", event.term),
        form("ms", event.ms),
      );
    case "leader":
      return form("leader", form("node", event.node), form("term", event.term));
    case "leaderless":
      return form("leaderless", form("term", event.term));
    case "started":
      return form("started", form("node", event.node), form("pid", event.pid));
    case "ended":
      return form(
        "ended",
        form("node", event.node),
        form("condition", word(event.condition)),
        form("end", word(event.end.signal ?? `${event.end.code}`)),
        form("lines", ...event.lines.map(string)),
      );
    case "paused":
    case "resumed":
    case "forgotten":
      return form(event.kind, form("node", event.node));
    case "partitioned":
      return form("partitioned", event.partition);
    case "healed":
    case "stopping":
    case "down":
      return form(event.kind);
    default:
      return unreachable(event);
  }
}
