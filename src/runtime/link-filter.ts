/** The links of this node that its supervisor has cut: datagrams to and from those peers are dropped. */
import { type Address, sameAddress } from "../base/address.ts";
import type { OutgoingDatagram } from "../base/network.ts";
import { isNodeId, type NodeId } from "../base/numbers.ts";
import { type BlockMessage, noBlock } from "./partition.ts";

export class LinkFilter {
  private readonly addressOf: (id: NodeId) => Address | null;
  private blocked: BlockMessage = noBlock;

  /** Asked each time: where a server is may change. */
  constructor(addressOf: (id: NodeId) => Address | null) {
    this.addressOf = addressOf;
  }

  apply(message: BlockMessage): void {
    this.blocked = message;
  }

  incoming(from: Address): "pass" | "drop" {
    return this.isOf(this.blocked.receiveFrom, from) ? "drop" : "pass";
  }

  outgoing(datagrams: readonly OutgoingDatagram[]): readonly OutgoingDatagram[] {
    const { sendTo } = this.blocked;
    return sendTo.length === 0 ? datagrams : datagrams.filter(({ to }) => !this.isOf(sendTo, to));
  }

  private isOf(ids: readonly number[], address: Address): boolean {
    return ids.some((id) => {
      const known = isNodeId(id) ? this.addressOf(id) : null;
      return known !== null && sameAddress(known, address);
    });
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
