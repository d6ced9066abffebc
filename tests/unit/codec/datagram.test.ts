/** The envelope: what opens, what is dropped and why, and who can say what (pitfall 33). */
import { expect, test } from "bun:test";
import { utf8 } from "../../../src/base/bytes.ts";
import { crc32 } from "../../../src/base/checksum.ts";
import { writeU32 } from "../../../src/base/integers.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { deriveClientKey, deriveKeys, noKeys } from "../../../src/codec/authentication.ts";
import {
  bodyBytesMax,
  type DropReason,
  datagramLimits,
  dropReasons,
  type Opener,
  openDatagram,
  sealDatagram,
} from "../../../src/codec/datagram.ts";
import { datagramKinds, groupOfKind } from "../../../src/codec/kinds.ts";
import { bodyOf, cluster, incarnation, keys, node1, node2, opener, sealed } from "./samples.ts";

const heartbeat = { kind: "heartbeat", body: bodyOf("heartbeat") } as const;
const statusRequest = { kind: "status-request", body: bodyOf("status-request") } as const;

/** The datagram with some bytes changed, and the checksum right again. */
function altered(datagram: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = new Uint8Array(datagram);
  copy.set(bytes, at);
  writeU32(copy, 0, crc32(copy.subarray(4)));
  return copy;
}

const verdict = (datagram: Uint8Array, its: Partial<Opener> = {}): DropReason | "opened" => {
  const opened = openDatagram(datagram, { ...opener, ...its });
  return opened.kind === "opened" ? "opened" : opened.because;
};

const plain = sealed(heartbeat);
const tagged = sealed(heartbeat, keys);
const toClient = sealed(statusRequest);

const table: readonly (readonly [string, Uint8Array, Partial<Opener>, DropReason | "opened"])[] = [
  ["a datagram as it was sealed", plain, {}, "opened"],
  ["no bytes", new Uint8Array(0), {}, "too-short"],
  ["a header without its last byte", plain.slice(0, 25), {}, "too-short"],
  ["another magic", altered(plain, 4, 0), {}, "wrong-magic"],
  ["another version", altered(plain, 6, 2), {}, "wrong-version"],
  ["a body cut short", plain.slice(0, -1), {}, "wrong-length"],
  ["a byte too many", new Uint8Array([...plain, 0]), {}, "wrong-length"],
  ["a flipped bit in the body", plain.with(27, plain[27]! ^ 1), {}, "wrong-checksum"],
  ["a flipped bit in the checksum", plain.with(0, plain[0]! ^ 1), {}, "wrong-checksum"],
  ["a kind that no version knows", altered(plain, 7, 0x7f), {}, "unknown-kind"],
  ["another cluster", plain, { cluster: cluster + 1 }, "wrong-cluster"],
  [
    "a server that knows no cluster",
    altered(plain, 8, 0, 0, 0, 0, 0, 0),
    { cluster: 0 },
    "wrong-cluster",
  ],
  ["another cluster's status request", toClient, { cluster: cluster + 1 }, "wrong-cluster"],
  ["a client that knows no cluster yet", altered(toClient, 8, 0, 0, 0, 0, 0, 0), {}, "opened"],
  ["an answer to a client that knows none", toClient, { cluster: 0, me: null }, "opened"],
  ["Raft from no node", altered(plain, 14, 0, 0), {}, "wrong-sender"],
  ["Raft from oneself", altered(plain, 14, 2, 0), {}, "wrong-sender"],
  ["Raft for another node", plain, { me: nodeId(3) }, "wrong-receiver"],
  ["Raft for nobody in particular", altered(plain, 22, 0, 0), {}, "wrong-receiver"],
  ["Raft that reaches a client", plain, { me: null }, "wrong-receiver"],
  ["the right tag", tagged, { keys }, "opened"],
  ["no tag where a secret is set", plain, { keys }, "missing-tag"],
  ["a tag where no secret is set", tagged, {}, "unexpected-tag"],
  ["the tag of another secret", tagged, { keys: deriveKeys(utf8("other")) }, "wrong-tag"],
  ["a changed body under a tag", altered(tagged, 27, 99), { keys }, "wrong-tag"],
  ["a changed header under a tag", altered(tagged, 16, 99), { keys }, "wrong-tag"],
  ["a changed kind under a tag", altered(tagged, 7, 0x08), { keys }, "wrong-tag"],
  ["a changed tag", altered(tagged, tagged.length - 1, tagged.at(-1)! ^ 1), { keys }, "wrong-tag"],
];

for (const [what, datagram, its, expected] of table) {
  test(`${what}: ${expected}`, () => expect(verdict(datagram, its)).toBe(expected));
}

test("every reason to drop a datagram stands in the table", () => {
  const seen = new Set(table.map(([, , , expected]) => expected));
  expect(dropReasons.filter((reason) => !seen.has(reason))).toEqual([]);
});

test("the header says what was sealed", () => {
  const opened = openDatagram(plain, opener);
  if (opened.kind !== "opened") throw new Error(opened.because);
  expect(opened.header).toEqual({
    kind: "heartbeat",
    cluster,
    sender: node1,
    incarnation,
    receiver: node2,
  });
});

test("with a client's key, no kind of datagram between servers can be made", () => {
  const clientKey = deriveClientKey(utf8("not a secret"));
  // All that a client has, used for everything it could be used for.
  const forged = { peer: clientKey, client: clientKey };
  for (const kind of datagramKinds) {
    const expected = groupOfKind(kind) === "client" ? "opened" : "wrong-tag";
    expect(verdict(sealed({ kind, body: bodyOf(kind) }, forged), { keys })).toBe(expected);
  }
});

test("a client's datagram whose kind is turned into a server's is dropped", () => {
  const request = sealed({ kind: "request-batch", body: bodyOf("heartbeat") }, keys);
  // Even from and to a node, as a server's would be.
  const addressed = altered(altered(altered(request, 14, 1, 0), 22, 2, 0), 7, 0x07);
  expect(verdict(addressed, { keys })).toBe("wrong-tag");
});

test("a server that is reached without a secret takes no tag for one with a secret", () => {
  expect(verdict(tagged, { keys: { peer: keys.client, client: keys.client } })).toBe("wrong-tag");
});

test("a sealed datagram stays as it is when others are sealed, and when its body changes", () => {
  const body = new Uint8Array(bodyOf("heartbeat"));
  const first = sealed({ kind: "heartbeat", body }, keys);
  const copy = new Uint8Array(first);
  for (let more = 0; more < 100; more++) sealed(statusRequest, keys);
  body.fill(0xff);
  expect(first).toEqual(copy);
});

test("a body of bodyBytesMax fills a datagram with a tag exactly", () => {
  for (const size of [1200, 60_000, datagramLimits.datagramBytesMax]) {
    const body = new Uint8Array(bodyBytesMax(size));
    expect(sealed({ kind: "request-batch", body }, keys).length).toBe(size);
  }
});

test("what UDP cannot carry is not sealed", () => {
  const body = new Uint8Array(65_507);
  const parts = { kind: "request-batch", cluster, incarnation, keys: noKeys, body } as const;
  expect(() => sealDatagram({ ...parts, sender: 0, receiver: 0 })).toThrow("chunks");
});

test("the body of a datagram in a Buffer is a Uint8Array proper: its slices are copies", () => {
  const opened = openDatagram(Buffer.from(plain), opener);
  if (opened.kind !== "opened") throw new Error(opened.because);
  expect(opened.body.constructor).toBe(Uint8Array);
});
