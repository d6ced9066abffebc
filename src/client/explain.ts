/** Why a request found no leader, in the words of docs/cli.md: which nodes answered, and what. */

import { formatAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { Contact, NodeReport, Said } from "./request.ts";

/**
 * `2 of 5 nodes answered and 3 are needed (1 follows 3; 4 knows no leader; 2 refused; 3, 5 silent
 * for 2 s)`.
 */
export function explainNodes(nodes: readonly NodeReport[]): string {
  const answered = nodes.filter((node) => node.contact.kind === "answered").length;
  const needed = Math.floor(nodes.length / 2) + 1;
  const verb = needed === 1 ? "is" : "are";
  const few = answered < needed ? ` and ${needed} ${verb} needed` : "";
  const noun = nodes.length === 1 ? "node" : "nodes";
  return `${answered} of ${nodes.length} ${noun} answered${few} (${detailsOf(nodes)})`;
}

/** Nodes of which the same is to be said are named together; `silent` takes the longest silence. */
function detailsOf(nodes: readonly NodeReport[]): string {
  const groups = new Map<string, { readonly names: string[]; contact: Contact }>();
  for (const { id, address, contact } of nodes) {
    const name = id === null ? formatAddress(address) : String(id);
    const key = contact.kind === "silent" ? "silent" : contactText(contact);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [name], contact });
    else {
      group.names.push(name);
      group.contact = longerSilence(group.contact, contact);
    }
  }
  const parts = [...groups.values()].map(
    (one) => `${one.names.join(", ")} ${contactText(one.contact)}`,
  );
  return parts.join("; ");
}

const longerSilence = (a: Contact, b: Contact): Contact =>
  a.kind === "silent" && b.kind === "silent" && b.forMs > a.forMs ? b : a;

function contactText(contact: Contact): string {
  switch (contact.kind) {
    case "not-asked":
      return "not asked";
    case "refused":
      return "refused";
    case "silent":
      return `silent for ${spanText(contact.forMs)}`;
    case "answered":
      return saidText(contact.said);
    default:
      return unreachable(contact);
  }
}

function saidText(said: Said): string {
  switch (said.kind) {
    case "leads":
      return "led";
    case "follows":
      return `follows ${said.leader}`;
    case "knows-no-leader":
      return "knows no leader";
    case "has-no-quorum":
      return "leads without a quorum";
    case "busy":
      return "busy";
    case "alive":
      return "alive";
    default:
      return unreachable(said);
  }
}

const spanText = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`;
