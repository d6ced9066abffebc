/** What is encoded decodes to the same, and keeps nothing of the bytes it was decoded from. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { nodeId } from "../../../src/base/numbers.ts";
import {
  type AdministrationRequest,
  decodeAdministrationRequest,
  decodeAdministrationResponse,
  encodeAdministrationRequest,
  encodeAdministrationResponse,
} from "../../../src/codec/administration.ts";
import { decodeCommand, encodeCommand, operationBytesMax } from "../../../src/codec/command.ts";
import { type DatagramHeader, openDatagram, sealDatagram } from "../../../src/codec/datagram.ts";
import { entryBytes } from "../../../src/codec/entry.ts";
import { groupOfKind } from "../../../src/codec/kinds.ts";
import { decodeMessage, encodeMessage, entriesBytesMax } from "../../../src/codec/message.ts";
import { decodeReply, encodeReply, replyBytesMax } from "../../../src/codec/reply.ts";
import {
  decodeRequestBatch,
  encodeRequestBatch,
  packRequests,
} from "../../../src/codec/request-batch.ts";
import {
  decodeResponseBatch,
  encodeResponseBatch,
  packResponses,
} from "../../../src/codec/response-batch.ts";
import {
  decodeStatusRequest,
  decodeStatusResponse,
  encodeStatusRequest,
  encodeStatusResponse,
} from "../../../src/codec/status.ts";
import type { Place } from "../../../src/raft/types.ts";
import {
  anyAdministration,
  anyAdministrationOutcome,
  anyCommand,
  anyMessage,
  anyReply,
  anyRequest,
  anyResponse,
  count,
} from "./arbitrary.ts";
import { keys, samples } from "./samples.ts";

/** Decodes, then writes over the bytes, as a socket does with its buffer; for a Buffer, too. */
function decodedAndOverwritten<Value>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Value,
): readonly Value[] {
  const received = [new Uint8Array(bytes), Buffer.from(bytes)];
  return received.map((buffer) => {
    const value = decode(buffer);
    buffer.fill(0xee);
    return value;
  });
}

function expectRoundTrip<Value>(
  value: Value,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => Value | null,
): void {
  for (const decoded of decodedAndOverwritten(encode(value), decode)) {
    expect(decoded).toEqual(value);
  }
}

test("a message of Raft survives its encoding, and the buffer it came in", () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const { kind } = message;
      const ends = { from: message.from, to: message.to };
      expectRoundTrip(
        message,
        (m) => encodeMessage(m).body,
        (body) => decodeMessage(kind, body, ends),
      );
    }),
    { numRuns: 2000 },
  );
});

test("an append is no longer than entriesBytesMax promises", () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      if (message.kind !== "append-request") return;
      const entries = message.entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
      const { body } = encodeMessage(message);
      expect(entriesBytesMax(body.length)).toBeLessThanOrEqual(entries);
    }),
  );
});

test("a command survives its encoding, and the buffer it came in", () => {
  fc.assert(
    fc.property(anyCommand, (command) => expectRoundTrip(command, encodeCommand, decodeCommand)),
    { numRuns: 2000 },
  );
});

test("a reply survives its encoding, and the buffer it came in", () => {
  fc.assert(
    fc.property(anyReply, (reply) => expectRoundTrip(reply, encodeReply, decodeReply)),
    { numRuns: 2000 },
  );
});

const requests = fc.array(anyRequest, { minLength: 1, maxLength: 20 });
const responses = fc.array(anyResponse, { minLength: 1, maxLength: 20 });

test("a batch of requests survives its encoding, and the buffer it came in", () => {
  fc.assert(
    fc.property(requests, (batch) =>
      expectRoundTrip<typeof batch | ReturnType<typeof decodeRequestBatch>>(
        batch,
        (b) => encodeRequestBatch(b ?? []),
        decodeRequestBatch,
      ),
    ),
    { numRuns: 500 },
  );
});

test("a batch of responses survives its encoding, and the buffer it came in", () => {
  fc.assert(
    fc.property(responses, (batch) =>
      expectRoundTrip<typeof batch | ReturnType<typeof decodeResponseBatch>>(
        batch,
        (b) => encodeResponseBatch(b ?? []),
        decodeResponseBatch,
      ),
    ),
    { numRuns: 500 },
  );
});

/** A body is too long only where it carries a single element, and no element is lost or moved. */
function expectPacked<Element>(
  elements: readonly Element[],
  bodies: readonly Uint8Array[],
  bodyBytes: number,
  decode: (body: Uint8Array) => readonly Element[] | null,
): void {
  const decoded = bodies.map((body) => decode(body) ?? []);
  expect(decoded.flat()).toEqual([...elements]);
  for (const [at, body] of bodies.entries()) {
    if (body.length > bodyBytes) expect(decoded[at]!.length).toBe(1);
  }
}

test("requests and responses are packed into bodies that fit", () => {
  fc.assert(
    fc.property(requests, responses, fc.integer({ min: 50, max: 1200 }), (asked, told, bytes) => {
      expectPacked(asked, packRequests(asked, bytes), bytes, decodeRequestBatch);
      expectPacked(told, packResponses(told, bytes), bytes, decodeResponseBatch);
    }),
    { numRuns: 500 },
  );
});

test("sizes that are promised as the most are never passed", () => {
  fc.assert(
    fc.property(anyCommand, anyReply, (command, reply) => {
      if (command.kind === "request") {
        const head = 5 + 4 * 9;
        const bytes = encodeCommand(command).length;
        expect(bytes).toBeLessThanOrEqual(head + operationBytesMax(command.operation));
      }
      expect(encodeReply(reply).length).toBeLessThanOrEqual(5 + replyBytesMax(reply));
    }),
  );
});

test("a status and the question for it survive their encoding", () => {
  fc.assert(
    fc.property(count, fc.string({ unit: "grapheme" }), (id, text) => {
      expectRoundTrip({ id }, encodeStatusRequest, decodeStatusRequest);
      expectRoundTrip({ id, text }, encodeStatusResponse, decodeStatusResponse);
    }),
  );
});

test("a wish of an operator and what came of it survive their encoding", () => {
  fc.assert(
    fc.property(count, anyAdministration, anyAdministrationOutcome, (id, wish, outcome) => {
      const request = { id, wish };
      expectRoundTrip(request, encodeAdministrationRequest, decodeAdministrationRequest);
      const response = { id, outcome };
      expectRoundTrip(response, encodeAdministrationResponse, decodeAdministrationResponse);
    }),
  );
});

test("a server that is let in says which folder it has, and where it is (P16)", () => {
  const at = { host: "127.0.0.1", port: 7104 };
  const add = (place: Place): AdministrationRequest => ({
    id: 1,
    wish: { kind: "change", edits: [{ kind: "add", place }], seen: null },
  });
  const decoded = (place: Place) =>
    decodeAdministrationRequest(encodeAdministrationRequest(add(place)));
  expect(decoded({ id: nodeId(4), incarnation: 7, address: at })).not.toBeNull();
  expect(decoded({ id: nodeId(4), incarnation: null, address: at })).toBeNull();
  expect(decoded({ id: nodeId(4), incarnation: 7, address: null })).toBeNull();
});

test("a header survives the datagram, whatever its numbers", () => {
  const node = fc.integer({ min: 1, max: 65535 });
  fc.assert(
    fc.property(fc.constantFrom(...samples), node, node, count, count, (sample, ...numbers) => {
      const [sender, receiver, itsCluster, itsIncarnation] = numbers;
      fc.pre(sender !== receiver && itsCluster > 0);
      const header = {
        kind: sample.kind,
        cluster: itsCluster,
        sender,
        incarnation: itsIncarnation,
        receiver: groupOfKind(sample.kind) === "peer" ? receiver : 0,
      } as DatagramHeader;
      const datagram = sealDatagram({ ...header, body: sample.body, keys });
      const me = receiver as DatagramHeader["receiver"];
      if (me === 0) return;
      const opened = openDatagram(datagram, { cluster: itsCluster, me, keys });
      expect(opened).toEqual({ kind: "opened", header, body: sample.body });
    }),
  );
});
