/**
 * Asks nodes to describe themselves, each by its own socket: no leader is needed, and on one
 * machine a dead node's port says "refused" at once, where a shared socket could not tell whose
 * refusal it was.
 */
import type { Address } from "../base/address.ts";
import { openDatagram, sealDatagram } from "../codec/datagram.ts";
import type { DatagramKind } from "../codec/kinds.ts";
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
  | {
      readonly kind: "answered";
      readonly text: string;
      readonly ms: number;
      /** Whose cluster answered; absent where a test answers. */
      readonly cluster?: number;
    }
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
  const answer = await exchange(address, {
    ...question,
    request: "status-request",
    response: "status-response",
    encode: (id) => encodeStatusRequest({ id }),
    decode: decodeStatusResponse,
  });
  if (answer.kind !== "answered") return answer;
  const { response, ms, cluster } = answer;
  return { kind: "answered", text: response.text, ms, cluster };
}

/** One question and its answer, as a client seals and opens them. */
export type Exchange<Response extends { readonly id: number }> = {
  readonly clusterId: number;
  readonly clientKey: Uint8Array | null;
  readonly timeoutMs: number;
  readonly request: DatagramKind;
  readonly response: DatagramKind;
  readonly encode: (id: number) => Uint8Array;
  readonly decode: (body: Uint8Array) => Response | null;
};

export type Exchanged<Response> =
  | {
      readonly kind: "answered";
      readonly response: Response;
      readonly ms: number;
      /** Whose cluster answered. */
      readonly cluster: number;
    }
  | Exclude<StatusAnswer, { readonly kind: "answered" }>;

export async function exchange<Response extends { readonly id: number }>(
  address: Address,
  parts: Exchange<Response>,
): Promise<Exchanged<Response>> {
  const began = performance.now();
  const keys = { peer: null, client: parts.clientKey };
  const id = Math.floor(Math.random() * idMax);
  const { promise, resolve } = Promise.withResolvers<Exchanged<Response>>();
  const take = (bytes: Uint8Array): void => {
    const opened = openDatagram(bytes, { cluster: parts.clusterId, me: null, keys });
    if (opened.kind !== "opened" || opened.header.kind !== parts.response) return;
    const response = parts.decode(opened.body);
    if (response?.id !== id) return;
    const { cluster } = opened.header;
    resolve({ kind: "answered", response, ms: performance.now() - began, cluster });
  };
  const socket = await connect(address, { take, refuse: () => resolve({ kind: "refused" }) });
  if (socket === null) return { kind: "refused" };
  const datagram = sealDatagram({
    kind: parts.request,
    cluster: parts.clusterId,
    sender: 0,
    incarnation: 0,
    receiver: 0,
    body: parts.encode(id),
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
  const silence = { kind: "silent", ms: parts.timeoutMs } as const;
  const deadline = setTimeout(() => resolve(silence), parts.timeoutMs);
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
