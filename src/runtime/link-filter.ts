/** The links of this node that its supervisor has cut: datagrams to and from those peers are dropped. */
import { type Address, sameAddress } from "../base/address.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import type { NodeId } from "../base/numbers.ts";
import type { BlockMessage } from "./partition.ts";

export class LinkFilter {
  private readonly addresses: ReadonlyMap<NodeId, Address>;
  private receiveFrom: readonly Address[] = [];
  private sendTo: readonly Address[] = [];

  constructor(addresses: ReadonlyMap<NodeId, Address>) {
    this.addresses = addresses;
  }

  apply(message: BlockMessage): void {
    this.receiveFrom = this.addressesOf(message.receiveFrom);
    this.sendTo = this.addressesOf(message.sendTo);
  }

  incoming(from: Address): "pass" | "drop" {
    return this.receiveFrom.some((blocked) => sameAddress(blocked, from)) ? "drop" : "pass";
  }

  outgoing(datagrams: readonly OutgoingDatagram[]): readonly OutgoingDatagram[] {
    if (this.sendTo.length === 0) return datagrams;
    return datagrams.filter(({ to }) => !this.sendTo.some((blocked) => sameAddress(blocked, to)));
  }

  private addressesOf(ids: readonly number[]): readonly Address[] {
    return [...this.addresses].filter(([id]) => ids.includes(id)).map(([, address]) => address);
  }
}

/** Whether what came over the supervisor's channel is such a message. */
export function isBlockMessage(message: unknown): message is BlockMessage {
  if (typeof message !== "object" || message === null) return false;
  if (!("kind" in message && "receiveFrom" in message && "sendTo" in message)) return false;
  return (
    message.kind === "block" && Array.isArray(message.receiveFrom) && Array.isArray(message.sendTo)
  );
}
