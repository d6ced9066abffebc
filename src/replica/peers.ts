/**
 * Who the other servers are: where they are, and that they are still the ones they were. A server whose folder
 * was wiped comes back with another incarnation: it has forgotten its votes, so nothing it says is believed
 * (P16, P33).
 *
 * What the configuration in force says of a member counts; of whom it says nothing, what this server was told and has
 * heard itself. Who is no member is heard as well (dissertation 4.1): a new server knows of nobody yet, and one that
 * lags may not know of its leader. Nothing is lost by it: votes and acknowledgements are counted by the configuration.
 * But where no secret proves who speaks, anybody could raise terms so: then who is led by a live leader hears of those
 * who are no members only that one.
 */
import type { Address } from "../base/address.ts";
import { formatAddress, sameAddress } from "../base/address.ts";
import type { NodeId } from "../base/numbers.ts";
import type { DatagramHeader } from "../codec/datagram.ts";
import { members } from "../raft/membership.ts";
import type { Configuration, Place } from "../raft/types.ts";

/** Whether a datagram's source address says anything: with a secret, the tag says who sent it. */
export type SourceRule = "source-must-match" | "tag-is-proof";

export type PeerRefusal = "wrong-address" | "wrong-incarnation" | "unknown-peer";

export type PeerVerdict =
  | { readonly kind: "known" }
  /** First heard of now: its incarnation is to be remembered for ever. */
  | { readonly kind: "new-peer"; readonly peer: NodeId; readonly incarnation: number }
  | { readonly kind: "refused"; readonly because: PeerRefusal };

const known: PeerVerdict = { kind: "known" };

/** Servers that are no members and can be answered at once. The newest are kept. */
const visitorsMax = 64;

export class Peers {
  private readonly me: NodeId;
  /** What this server was told when it started. */
  private readonly addresses: ReadonlyMap<NodeId, Address>;
  /** What it has heard itself, in this life or an earlier one. */
  private readonly incarnations: Map<NodeId, number>;
  private readonly sourceRule: SourceRule;
  /** The live leader, as this server knows it, itself included; or null. */
  private readonly leader: () => NodeId | null;
  private members: ReadonlyMap<NodeId, Place> = new Map();
  private readonly visitors = new Map<NodeId, Address>();
  /** Peers whose change of incarnation was reported. */
  private readonly reported = new Set<NodeId>();

  constructor(parts: {
    me: NodeId;
    addresses: ReadonlyMap<NodeId, Address>;
    incarnations: ReadonlyMap<NodeId, number>;
    sourceRule: SourceRule;
    configuration: Configuration;
    leader: () => NodeId | null;
  }) {
    this.me = parts.me;
    this.leader = parts.leader;
    this.addresses = parts.addresses;
    this.incarnations = new Map(parts.incarnations);
    this.sourceRule = parts.sourceRule;
    this.adopt(parts.configuration);
  }

  /** Another configuration is in force. */
  adopt(configuration: Configuration): void {
    const said = new Map(configuration.places?.map((place) => [place.id, place]));
    const places = members(configuration).map((id): [NodeId, Place] => {
      const address = said.get(id)?.address ?? this.addresses.get(id) ?? null;
      const incarnation = said.get(id)?.incarnation ?? this.incarnations.get(id) ?? null;
      return [id, { id, address, incarnation }];
    });
    this.members = new Map(places);
  }

  /** The members this server was told of when it started, and never heard of. */
  strangers(): readonly NodeId[] {
    const told = [...this.members.values()].filter(({ id }) => this.addresses.has(id));
    const unheard = told.filter(({ id, incarnation }) => id !== this.me && incarnation === null);
    return unheard.map(({ id }) => id);
  }

  /** What is known of a member. */
  placeOf(peer: NodeId): Place | null {
    return this.members.get(peer) ?? null;
  }

  addressOf(peer: NodeId): Address | null {
    const address = this.members.get(peer)?.address ?? this.visitors.get(peer);
    return address ?? this.addresses.get(peer) ?? null;
  }

  addressText(peer: NodeId | null): string | null {
    const address = peer === null ? null : this.addressOf(peer);
    return address === null ? null : formatAddress(address);
  }

  /** Whether to listen to the sender of a datagram between servers. */
  judge(header: DatagramHeader & { readonly sender: NodeId }, from: Address): PeerVerdict {
    const place = this.members.get(header.sender);
    if (place === undefined) return this.judgeVisitor(header, from);
    const { address, incarnation } = place;
    if (address === null) this.receive(header.sender, from);
    else if (this.sourceRule === "source-must-match" && !sameAddress(address, from)) {
      return { kind: "refused", because: "wrong-address" };
    }
    if (incarnation === header.incarnation) return known;
    if (incarnation !== null) return { kind: "refused", because: "wrong-incarnation" };
    return this.meet(place, header.incarnation);
  }

  private meet(place: Place, incarnation: number): PeerVerdict {
    this.incarnations.set(place.id, incarnation);
    this.members = new Map(this.members).set(place.id, { ...place, incarnation });
    return { kind: "new-peer", peer: place.id, incarnation };
  }

  private judgeVisitor(header: DatagramHeader & { sender: NodeId }, from: Address): PeerVerdict {
    const { sender, incarnation } = header;
    if (this.sourceRule === "source-must-match") {
      if (this.isMembers(from)) return { kind: "refused", because: "wrong-address" };
      const leader = this.leader();
      if (leader !== null && leader !== sender) return { kind: "refused", because: "unknown-peer" };
    }
    const expected = this.incarnations.get(sender) ?? incarnation;
    if (expected !== incarnation) return { kind: "refused", because: "wrong-incarnation" };
    this.receive(sender, from);
    return known;
  }

  private isMembers(from: Address): boolean {
    const places = [...this.members.values()];
    return places.some(({ address }) => address !== null && sameAddress(address, from));
  }

  private receive(visitor: NodeId, from: Address): void {
    const oldest = this.visitors.keys().next();
    if (this.visitors.delete(visitor) || this.visitors.size < visitorsMax) {
      this.visitors.set(visitor, from);
    } else if (oldest.done !== true) {
      this.visitors.delete(oldest.value);
      this.visitors.set(visitor, from);
    }
  }

  /** Whether this change of incarnation is worth a sentence: the first time for each peer. */
  firstReport(peer: NodeId): "first" | "again" {
    if (this.reported.has(peer)) return "again";
    this.reported.add(peer);
    return "first";
  }
}
