/**
 * Datagrams, handed in: src/runtime/socket.ts is UDP, src/sim/network.ts is pretended. One contract for both.
 * What is sent may be lost, repeated, delayed and overtaken; what arrives is what was sent.
 */
import type { Address } from "./address.ts";

export type OutgoingDatagram = { readonly to: Address; readonly bytes: Uint8Array };

/** The bytes are the receiver's to keep. */
export type OnDatagram = (from: Address, bytes: Uint8Array) => void;

export interface Network {
  readonly address: Address;
  /** Never fails as far as the sender can tell: that a datagram was taken says nothing about its arrival. */
  readonly send: (datagrams: readonly OutgoingDatagram[]) => void;
  /** Nothing arrives after this. */
  readonly close: () => void;
}
