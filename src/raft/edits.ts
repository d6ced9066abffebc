/** What an operator wishes of a configuration, wish by wish, and what comes out: pure, and not a word about when. */
import { type Address, sameAddress } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { NodeId } from "../base/numbers.ts";
import { isVoter, members, membershipLimits } from "./membership.ts";
import type { Configuration, Place } from "./types.ts";

/** Several of them are one change, and take effect together. A wish that is fulfilled already changes nothing. */
export type Edit =
  /** A new server receives the log, and has no say. */
  | { readonly kind: "add"; readonly place: Place }
  /** A learner gets a vote. */
  | { readonly kind: "promote"; readonly id: NodeId }
  | { readonly kind: "remove"; readonly id: NodeId }
  /** A member is reached elsewhere. */
  | { readonly kind: "move"; readonly place: Place };

/** Why a wish makes no sense, whenever it is made. */
export type EditProblem =
  | "unknown-member"
  /** The number is a member's already, and its folder is another one. */
  | "other-incarnation"
  | "address-taken"
  | "last-voter"
  | "too-many-members";

export type Edited =
  | { readonly kind: "edited"; readonly target: Configuration }
  | { readonly kind: "fulfilled" }
  | { readonly kind: "senseless"; readonly because: EditProblem };

type Draft = { voters: Set<NodeId>; learners: Set<NodeId>; places: Map<NodeId, Place> };

/** The configuration that the wishes lead to, from one that is not joint. */
export function edited(current: Configuration, edits: readonly Edit[]): Edited {
  const draft: Draft = {
    voters: new Set(current.voters),
    learners: new Set(current.learners),
    places: new Map(current.places?.map((place) => [place.id, place])),
  };
  let changes = 0;
  for (const edit of edits) {
    const outcome = take(draft, edit);
    if (outcome === "changed") changes += 1;
    else if (outcome !== "unchanged") return { kind: "senseless", because: outcome };
  }
  if (changes === 0) return { kind: "fulfilled" };
  if (draft.voters.size === 0) return { kind: "senseless", because: "last-voter" };
  // During a change of voters the old ones are members as well.
  const namesMax = membershipLimits.namesMax - current.voters.length;
  if (draft.voters.size + draft.learners.size > namesMax) {
    return { kind: "senseless", because: "too-many-members" };
  }
  return { kind: "edited", target: configurationOf(draft) };
}

function take(draft: Draft, edit: Edit): "changed" | "unchanged" | EditProblem {
  const { voters, learners, places } = draft;
  switch (edit.kind) {
    case "add":
      return add(draft, edit.place);
    case "promote":
      if (voters.has(edit.id)) return "unchanged";
      if (!learners.delete(edit.id)) return "unknown-member";
      voters.add(edit.id);
      return "changed";
    case "remove": {
      const wasMember = voters.delete(edit.id) || learners.delete(edit.id);
      places.delete(edit.id);
      return wasMember ? "changed" : "unchanged";
    }
    case "move":
      if (!isMember(draft, edit.place.id)) return "unknown-member";
      return settle(draft, edit.place);
    default:
      return unreachable(edit);
  }
}

const isMember = ({ voters, learners }: Draft, id: NodeId): boolean =>
  voters.has(id) || learners.has(id);

function add(draft: Draft, place: Place): "changed" | "unchanged" | EditProblem {
  const { id } = place;
  if (isMember(draft, id)) {
    const known = draft.places.get(id);
    return known === undefined || differs(known.incarnation, place.incarnation)
      ? "other-incarnation"
      : "unchanged";
  }
  draft.learners.add(id);
  const settled = settle(draft, place);
  return settled === "unchanged" ? "changed" : settled;
}

function settle(draft: Draft, place: Place): "changed" | "unchanged" | EditProblem {
  const { places } = draft;
  const known = places.get(place.id);
  if (known !== undefined && differs(known.incarnation, place.incarnation)) {
    return "other-incarnation";
  }
  for (const other of places.values()) {
    if (other.id !== place.id && isAt(other, place.address)) return "address-taken";
  }
  if (known !== undefined && isAt(known, place.address)) return "unchanged";
  const incarnation = known?.incarnation ?? place.incarnation;
  places.set(place.id, { id: place.id, address: place.address, incarnation });
  return "changed";
}

const differs = (one: number | null, other: number | null): boolean =>
  one !== null && other !== null && one !== other;

const isAt = (place: Place, address: Address | null): boolean =>
  place.address === null || address === null
    ? place.address === address && address !== null
    : sameAddress(place.address, address);

const sorted = (ids: Iterable<NodeId>): readonly NodeId[] => [...ids].sort((a, b) => a - b);

function configurationOf({ voters, learners, places }: Draft): Configuration {
  const known = [...places.values()].sort((a, b) => a.id - b.id);
  const target = { voters: sorted(voters), outgoing: [], learners: sorted(learners) };
  return known.length === 0 ? target : { ...target, places: known };
}

/** The same, with what `placeOf` knows of members that have no place in it yet. */
export function withPlaces(
  configuration: Configuration,
  placeOf: (id: NodeId) => Place | null,
): Configuration {
  const known = new Map(configuration.places?.map((place) => [place.id, place]));
  const places: Place[] = [];
  for (const id of members(configuration)) {
    const place = known.get(id) ?? placeOf(id);
    if (place !== null) places.push(place);
  }
  return places.length === 0 ? configuration : { ...configuration, places };
}

/** On the way to `target`: both groups of voters decide, each by its own majority (dissertation 4.3). */
export function jointOf(
  current: Configuration,
  target: Configuration,
  leaving: readonly Place[],
): Configuration {
  const places = new Map(leaving.map((place) => [place.id, place]));
  for (const place of [...(current.places ?? []), ...(target.places ?? [])]) {
    places.set(place.id, place);
  }
  const joint = {
    voters: target.voters,
    outgoing: current.voters,
    learners: target.learners,
  };
  const all = members(joint);
  const known = [...places.values()].filter(({ id }) => all.includes(id));
  known.sort((a, b) => a.id - b.id);
  return known.length === 0 ? joint : { ...joint, places: known };
}

/** The other end of a joint configuration: who was only outgoing is gone. */
export function leftJoint(joint: Configuration): Configuration {
  const { voters, learners } = joint;
  const left = { voters, outgoing: [], learners };
  const places = joint.places?.filter(({ id }) => isVoter(left, id) || learners.includes(id)) ?? [];
  return places.length === 0 ? left : { ...left, places };
}
