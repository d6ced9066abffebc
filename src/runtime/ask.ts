/**
 * Asks nodes to describe themselves, each by its own socket: no leader is needed, and on one
 * machine a dead node's port says "refused" at once, where a shared socket could not tell whose
 * refusal it was.
 */
import type { Address } from "../base/address.ts";
import { openDatagram, sealDatagram } from "../codec/datagram.ts";
import { decodeStatusResponse, encodeStatusRequest } from "../codec/status.ts";
import { numericHost } from "./host.ts";

export type StatusQuestion = {
  readonly nodes: readonly Address[];
  /** 0: not known. */
  readonly clusterId: number;
  readonly clientKey: Uint8Array | null;
  readonly timeoutMs: number;
};

export type StatusAnswer =
  | { readonly kind: "answered"; readonly text: string; readonly ms: number }
  /** Nobody listens there. */
  | { readonly kind: "refused" }
  | { readonly kind: "silent"; readonly ms: number };

/** One answer per address, in their order. Never rejects because of what a node does. */
export type AskStatus = (question: StatusQuestion) => Promise<readonly StatusAnswer[]>;

/** A lost question is asked again this often. */
const repeatMs = 100;
const idMax = 2 ** 47;

export const askStatus: AskStatus = (question) =>
  Promise.all(question.nodes.map((address) => askOne(address, question)));

async function askOne(address: Address, question: StatusQuestion): Promise<StatusAnswer> {
  const began = performance.now();
  const keys = { peer: null, client: question.clientKey };
  const id = Math.floor(Math.random() * idMax);
  const { promise, resolve } = Promise.withResolvers<StatusAnswer>();
  const take = (bytes: Uint8Array): void => {
    const opened = openDatagram(bytes, { cluster: question.clusterId, me: null, keys });
    if (opened.kind !== "opened" || opened.header.kind !== "status-response") return;
    const response = decodeStatusResponse(opened.body);
    if (response?.id !== id) return;
    resolve({ kind: "answered", text: response.text, ms: performance.now() - began });
  };
  const socket = await connect(address, { take, refuse: () => resolve({ kind: "refused" }) });
  if (socket === null) return { kind: "refused" };
  const datagram = sealDatagram({
    kind: "status-request",
    cluster: question.clusterId,
    sender: 0,
    incarnation: 0,
    receiver: 0,
    body: encodeStatusRequest({ id }),
    keys,
  });
  const send = (): void => {
    try {
      socket.send(datagram);
    } catch {
      resolve({ kind: "refused" });
    }
  };
  const repeat = setInterval(send, repeatMs);
  const silence: StatusAnswer = { kind: "silent", ms: question.timeoutMs };
  const deadline = setTimeout(() => resolve(silence), question.timeoutMs);
  send();
  try {
    return await promise;
  } finally {
    clearInterval(repeat);
    clearTimeout(deadline);
    socket.close();
  }
}

type Hooks = { readonly take: (bytes: Uint8Array) => void; readonly refuse: () => void };

/** A socket that hears this address alone, or null where the address leads nowhere. */
async function connect(address: Address, { take, refuse }: Hooks) {
  const hostname = await numericHost(address.host);
  if (hostname === null) return null;
  try {
    return await Bun.udpSocket({
      connect: { hostname, port: address.port },
      binaryType: "uint8array",
      socket: { data: (_socket, bytes) => take(bytes), error: refuse },
    });
  } catch {
    return null;
  }
}
