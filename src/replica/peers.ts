/**
 * Who the other servers are: where they are, and that they are still the ones they were. A server whose folder
 * was wiped comes back with another incarnation: it has forgotten its votes, so nothing it says is believed
 * (P16, P33).
 */
import type { Address } from "../base/address.ts";
import { formatAddress, sameAddress } from "../base/address.ts";
import type { NodeId } from "../base/numbers.ts";
import type { DatagramHeader } from "../codec/datagram.ts";

/** Whether a datagram's source address says anything: with a secret, the tag says who sent it. */
export type SourceRule = "source-must-match" | "tag-is-proof";

export type PeerRefusal = "unknown-peer" | "wrong-address" | "wrong-incarnation";

export type PeerVerdict =
  | { readonly kind: "known" }
  /** First heard of now: its incarnation is to be remembered for ever. */
  | { readonly kind: "new-peer"; readonly peer: NodeId; readonly incarnation: number }
  | { readonly kind: "refused"; readonly because: PeerRefusal };

const known: PeerVerdict = { kind: "known" };

export class Peers {
  private readonly addresses: ReadonlyMap<NodeId, Address>;
  private readonly incarnations: Map<NodeId, number>;
  private readonly sourceRule: SourceRule;
  /** Peers whose change of incarnation was reported. */
  private readonly reported = new Set<NodeId>();

  constructor(parts: {
    addresses: ReadonlyMap<NodeId, Address>;
    incarnations: ReadonlyMap<NodeId, number>;
    sourceRule: SourceRule;
  }) {
    this.addresses = parts.addresses;
    this.incarnations = new Map(parts.incarnations);
    this.sourceRule = parts.sourceRule;
  }

  /** The servers that were never heard of. */
  strangers(me: NodeId): readonly NodeId[] {
    const others = [...this.addresses.keys()].filter((id) => id !== me);
    return others.filter((id) => !this.incarnations.has(id));
  }

  addressOf(peer: NodeId): Address | null {
    return this.addresses.get(peer) ?? null;
  }

  addressText(peer: NodeId | null): string | null {
    const address = peer === null ? null : this.addressOf(peer);
    return address === null ? null : formatAddress(address);
  }

  /** Whether to listen to the sender of a datagram between servers. */
  judge(header: DatagramHeader & { readonly sender: NodeId }, from: Address): PeerVerdict {
    const address = this.addressOf(header.sender);
    if (address === null) return { kind: "refused", because: "unknown-peer" };
    if (this.sourceRule === "source-must-match" && !sameAddress(address, from)) {
      return { kind: "refused", because: "wrong-address" };
    }
    const expected = this.incarnations.get(header.sender);
    if (expected === header.incarnation) return known;
    if (expected !== undefined) return { kind: "refused", because: "wrong-incarnation" };
    this.incarnations.set(header.sender, header.incarnation);
    return { kind: "new-peer", peer: header.sender, incarnation: header.incarnation };
  }

  /** Whether this change of incarnation is worth a sentence: the first time for each peer. */
  firstReport(peer: NodeId): "first" | "again" {
    if (this.reported.has(peer)) return "again";
    this.reported.add(peer);
    return "first";
  }
}
