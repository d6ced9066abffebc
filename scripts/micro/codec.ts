/** Bytes and back: what servers and clients send each other for a put. */
import { must } from "../../src/base/assert.ts";
import { logIndex, nodeId } from "../../src/base/numbers.ts";
import { noKeys } from "../../src/codec/authentication.ts";
import type { ClientRequest, ClientResponse } from "../../src/codec/client-message.ts";
import { decodeCommand, encodeCommand } from "../../src/codec/command.ts";
import { openDatagram, sealDatagram } from "../../src/codec/datagram.ts";
import { decodeMessage, encodeMessage } from "../../src/codec/message.ts";
import { decodeRequestBatch, packRequests } from "../../src/codec/request-batch.ts";
import { decodeResponseBatch, packResponses } from "../../src/codec/response-batch.ts";
import type { Message } from "../../src/raft/message.ts";
import { firstTerm, Puts } from "../measure/puts.ts";
import { type Case, repeated } from "./case.ts";
import { batchEntries } from "./raft.ts";

const inputs = 64;
const bodyBytesMax = 59_000;
const [leader, follower] = [nodeId(1), nodeId(2)];
const ends = { from: leader, to: follower };

export function codecCases(): readonly Case[] {
  const source = new Puts({ keys: 10_000, valueBytes: 64, order: "chance" });
  source.command();
  const commands = many(() => source.command());
  const encoded = commands.map(encodeCommand);
  return [
    repeated("codec: a put's command to bytes", commands, encodeCommand),
    repeated("codec: a put's command from bytes", encoded, decodeCommand),
    ...appendCases(source),
    ...clientCases(source),
    ...envelopeCases(),
  ];
}

function appendCases(source: Puts): readonly Case[] {
  const messages = many(() => appendRequest(source));
  const bodies = messages.map((message) => encodeMessage(message).body);
  const what = `an append of ${batchEntries} entries`;
  return [
    repeated(`codec: ${what} to bytes`, messages, encodeMessage),
    repeated(`codec: ${what} from bytes`, bodies, (body) =>
      must(decodeMessage("append-request", body, ends), "it is whole"),
    ),
  ];
}

function appendRequest(source: Puts): Message {
  const previous = { index: logIndex(source.next - 1), term: firstTerm };
  const entries = source.entries(batchEntries);
  const commit = previous.index;
  return { kind: "append-request", ...ends, term: firstTerm, previous, entries, commit };
}

function clientCases(source: Puts): readonly Case[] {
  const requests = many(() => batchOf((id) => request(source, id)));
  const requestBodies = requests.map((batch) => onlyBody(packRequests(batch, bodyBytesMax)));
  const responses = many(() => batchOf(response));
  const responseBodies = responses.map((batch) => onlyBody(packResponses(batch, bodyBytesMax)));
  const [asks, answers] = [`${batchEntries} requests of clients`, `${batchEntries} replies`];
  return [
    repeated(`codec: ${asks} to bytes`, requests, (batch) => packRequests(batch, bodyBytesMax)),
    repeated(`codec: ${asks} from bytes`, requestBodies, decodeRequestBatch),
    repeated(`codec: ${answers} to bytes`, responses, (all) => packResponses(all, bodyBytesMax)),
    repeated(`codec: ${answers} from bytes`, responseBodies, decodeResponseBatch),
  ];
}

function envelopeCases(): readonly Case[] {
  const sender = { kind: "append-request", cluster: 5, sender: leader, incarnation: 71 } as const;
  const parts = many((at) => ({
    ...{ ...sender, receiver: follower, keys: noKeys },
    body: new Uint8Array(5000).fill(at),
  }));
  const datagrams = parts.map(sealDatagram);
  const opener = { cluster: 5, me: follower, keys: noKeys };
  return [
    repeated("codec: a datagram of 5,000 bytes sealed", parts, sealDatagram),
    repeated("codec: a datagram of 5,000 bytes opened", datagrams, (datagram) =>
      openDatagram(datagram, opener),
    ),
  ];
}

const many = <T>(make: (at: number) => T): readonly T[] =>
  Array.from({ length: inputs }, (_, at) => make(at));

const batchOf = <T>(make: (id: number) => T): readonly T[] =>
  Array.from({ length: batchEntries }, (_, at) => make(at + 1));

const request = (source: Puts, id: number): ClientRequest => ({
  id,
  body: { kind: "write", command: encodeCommand(source.command()) },
});

function response(id: number): ClientResponse {
  const index = logIndex(1_000_000 + id);
  return {
    id,
    outcome: { kind: "replied", reply: { kind: "written", index }, index, term: firstTerm },
  };
}

const onlyBody = (bodies: readonly Uint8Array[]): Uint8Array => {
  if (bodies.length !== 1) throw new Error("a batch of this size fits one datagram");
  return must(bodies[0], "there is one");
};
