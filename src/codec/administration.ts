/**
 * What an operator asks of a cluster, and the answer, as bodies of datagrams. A request says what is to be, so that it
 * can be asked again and again until it is; and it says what was when it was decided, so that a copy of it that arrives
 * long after does nothing.
 *
 * administration-request, a MessagePack array
 *    id, 0, seen or nil, then an EDIT each, 1 to `editsMax`    other members; seen: the index of the entry that put the
 *                                                              configuration in force that the operator saw
 *    id, 1, seen or nil, node or 0      leadership is to go there, 0: to whoever is furthest along; seen: the term
 * EDIT, an array
 *    0, node, incarnation, address                 add: a new server, as a learner
 *    1, node                                       promote: it gets a vote
 *    2, node                                       remove
 *    3, node, incarnation, address                 move: it is reached there
 * administration-response, a MessagePack array
 *    id, 0                                         done: it is so, and committed
 *    id, 1, why                                    waiting: under way, or not possible yet; ask again
 *    id, 2, leader or 0, its address or nil        not-leader
 *    id, 3, why                                    refused: it will not help to ask again
 *    id, 4, index, term                            outdated: what was seen is not so, or not said; this is
 *
 * Valid when the arrays have exactly these fields; numbers are whole and below 2^48, nodes and incarnations not 0; an
 * address is `host:port` with a host of at most 255 printable characters; `why` counts out a reason of its list.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import { isNodeId, type LogIndex, type NodeId, type Term } from "../base/numbers.ts";
import type { ChangeRefusal } from "../raft/change.ts";
import type { Edit, EditProblem } from "../raft/edits.ts";
import type { Place } from "../raft/types.ts";
import { choiceOf, elementsOf, type Field, isCount, packFields } from "./messagepack.ts";
import { isWritableHost } from "./place.ts";
import { unpackFields } from "./unpack.ts";

export type Administration =
  | {
      readonly kind: "change";
      readonly edits: readonly Edit[];
      /** The index of the configuration that is to be changed; null: to be told. */
      readonly seen: LogIndex | null;
    }
  | {
      readonly kind: "transfer";
      readonly target: NodeId | null;
      /** The term whose leader is to go; null: to be told. */
      readonly seen: Term | null;
    };

export type AdministrationRequest = { readonly id: number; readonly wish: Administration };

/** Why it is not done yet. */
export type Waiting = Exclude<ChangeRefusal, "not-leader"> | "begun";

/** Why it will never be done as it was asked. */
export type AdministrationRefusal = EditProblem | "not-a-voter" | "no-successor";

export type AdministrationOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "waiting"; readonly because: Waiting }
  | { readonly kind: "not-leader"; readonly leader: NodeId | null; readonly address: string | null }
  | { readonly kind: "refused"; readonly because: AdministrationRefusal }
  | { readonly kind: "outdated"; readonly since: LogIndex; readonly term: Term };

export type AdministrationResponse = {
  readonly id: number;
  readonly outcome: AdministrationOutcome;
};

export const administrationLimits = { editsMax: 64 } as const;

const wishCodes = { change: 0, transfer: 1 } as const;
const editCodes = { add: 0, promote: 1, remove: 2, move: 3 } as const;
const outcomeCodes = { done: 0, waiting: 1, notLeader: 2, refused: 3, outdated: 4 } as const;

const waitings: readonly Waiting[] = [
  "begun",
  "handing-over",
  "change-under-way",
  "not-settled",
  "not-caught-up",
  "would-lose-quorum",
];
const refusals: readonly AdministrationRefusal[] = [
  "unknown-member",
  "other-incarnation",
  "address-taken",
  "last-voter",
  "too-many-members",
  "not-a-voter",
  "no-successor",
];

export function encodeAdministrationRequest({ id, wish }: AdministrationRequest): Uint8Array {
  const { seen } = wish;
  if (wish.kind === "transfer") {
    return packFields([id, wishCodes.transfer, seen, wish.target ?? 0]);
  }
  return packFields([id, wishCodes.change, seen, ...wish.edits.map(editFields)]);
}

function editFields(edit: Edit): readonly Field[] {
  switch (edit.kind) {
    case "add":
    case "move": {
      const { id, incarnation, address } = edit.place;
      return [
        editCodes[edit.kind],
        id,
        incarnation ?? 0,
        address === null ? null : formatAddress(address),
      ];
    }
    case "promote":
    case "remove":
      return [editCodes[edit.kind], edit.id];
    default:
      return unreachable(edit);
  }
}

/** The request, or null where the body is none. Never throws. */
export function decodeAdministrationRequest(body: Uint8Array): AdministrationRequest | null {
  const [id, code, seen, ...rest] = unpackFields(body) ?? [];
  if (!isCount(id) || (seen !== null && !isCount(seen))) return null;
  if (code === wishCodes.transfer) {
    const [target] = rest;
    if (rest.length !== 1 || (target !== 0 && !isNodeId(target))) return null;
    return { id, wish: { kind: "transfer", target: target === 0 ? null : target, seen } };
  }
  if (code !== wishCodes.change) return null;
  if (rest.length === 0 || rest.length > administrationLimits.editsMax) return null;
  const edits: Edit[] = [];
  for (const field of rest) {
    const edit = readEdit(elementsOf(field) ?? []);
    if (edit === null) return null;
    edits.push(edit);
  }
  return { id, wish: { kind: "change", edits, seen } };
}

function readEdit(fields: readonly unknown[]): Edit | null {
  const id = fields[1];
  if (!isNodeId(id)) return null;
  switch (fields[0]) {
    case editCodes.add:
      return withPlace("add", id, fields);
    case editCodes.move:
      return withPlace("move", id, fields);
    case editCodes.promote:
      return fields.length === 2 ? { kind: "promote", id } : null;
    case editCodes.remove:
      return fields.length === 2 ? { kind: "remove", id } : null;
    default:
      return null;
  }
}

/** Who is not known by its folder cannot be told from one that was wiped: it is not taken. */
function withPlace(kind: "add" | "move", id: NodeId, fields: readonly unknown[]): Edit | null {
  const [, , incarnation, text] = fields;
  if (fields.length !== 4 || !isCount(incarnation) || incarnation === 0) return null;
  const address = readAddress(text);
  if (address === null) return null;
  const place: Place = { id, incarnation, address };
  return { kind, place };
}

function readAddress(field: unknown): Address | null {
  const address = typeof field === "string" ? parseAddress(field) : null;
  return address !== null && isWritableHost(address.host) ? address : null;
}

export function encodeAdministrationResponse({ id, outcome }: AdministrationResponse): Uint8Array {
  switch (outcome.kind) {
    case "done":
      return packFields([id, outcomeCodes.done]);
    case "waiting":
      return packFields([id, outcomeCodes.waiting, waitings.indexOf(outcome.because)]);
    case "not-leader":
      return packFields([id, outcomeCodes.notLeader, outcome.leader ?? 0, outcome.address]);
    case "refused":
      return packFields([id, outcomeCodes.refused, refusals.indexOf(outcome.because)]);
    case "outdated":
      return packFields([id, outcomeCodes.outdated, outcome.since, outcome.term]);
    default:
      return unreachable(outcome);
  }
}

/** The answer, or null where the body is none. Never throws. */
export function decodeAdministrationResponse(body: Uint8Array): AdministrationResponse | null {
  const [id, code, ...rest] = unpackFields(body) ?? [];
  if (!isCount(id)) return null;
  const outcome = readOutcome(code, rest);
  return outcome === null ? null : { id, outcome };
}

function readOutcome(code: unknown, rest: readonly unknown[]): AdministrationOutcome | null {
  switch (code) {
    case outcomeCodes.done:
      return rest.length === 0 ? { kind: "done" } : null;
    case outcomeCodes.waiting: {
      const because = choiceOf(waitings, rest[0]);
      return rest.length === 1 && because !== null ? { kind: "waiting", because } : null;
    }
    case outcomeCodes.notLeader: {
      const [leader, address] = rest;
      if (rest.length !== 2 || (leader !== 0 && !isNodeId(leader))) return null;
      const known = leader === 0 ? null : leader;
      if (address === null) return { kind: "not-leader", leader: known, address };
      if (typeof address !== "string" || readAddress(address) === null) return null;
      return { kind: "not-leader", leader: known, address };
    }
    case outcomeCodes.refused: {
      const because = choiceOf(refusals, rest[0]);
      return rest.length === 1 && because !== null ? { kind: "refused", because } : null;
    }
    case outcomeCodes.outdated: {
      const [since, term] = rest;
      if (rest.length !== 2 || !isCount(since) || !isCount(term)) return null;
      return { kind: "outdated", since, term };
    }
    default:
      return null;
  }
}
