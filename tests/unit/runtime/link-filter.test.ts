/** A partition made by the supervisor: what a node drops, and what it lets through. */
import { expect, test } from "bun:test";
import type { Address } from "../../../src/base/address.ts";
import { type NodeId, nodeId } from "../../../src/base/numbers.ts";
import { isBlockMessage, LinkFilter } from "../../../src/runtime/link-filter.ts";

const address = (id: number): Address => ({ host: "127.0.0.1", port: 7100 + id });
const client: Address = { host: "127.0.0.1", port: 30_000 };
const peers = new Map<NodeId, Address>([1, 2, 3].map((id) => [nodeId(id), address(id)]));

const datagram = (to: Address) => ({ to, bytes: new Uint8Array(1) });
const block = (receiveFrom: readonly number[], sendTo: readonly number[]) =>
  ({ kind: "block", receiveFrom, sendTo }) as const;

test("what goes to a cut peer is dropped, and nothing else", () => {
  const filter = new LinkFilter((id) => peers.get(id) ?? null);
  filter.apply(block([], [2]));
  const passed = filter.outgoing([datagram(address(2)), datagram(address(3)), datagram(client)]);
  expect(passed.map(({ to }) => to)).toEqual([address(3), client]);
});

test("what comes from a cut peer is dropped, and nothing else", () => {
  const filter = new LinkFilter((id) => peers.get(id) ?? null);
  filter.apply(block([2], []));
  expect([2, 3].map((id) => filter.incoming(address(id)))).toEqual(["drop", "pass"]);
  expect(filter.incoming(client)).toBe("pass");
});

test("each direction is cut by itself, and the last word counts", () => {
  const filter = new LinkFilter((id) => peers.get(id) ?? null);
  filter.apply(block([2], []));
  expect(filter.outgoing([datagram(address(2))])).toHaveLength(1);
  filter.apply(block([], []));
  expect(filter.incoming(address(2))).toBe("pass");
});

test("only what is shaped like one is a message of the supervisor", () => {
  expect(isBlockMessage(block([1], [2]))).toBe(true);
  for (const other of [null, "block", {}, { kind: "block", receiveFrom: [1] }, { kind: "stop" }]) {
    expect(isBlockMessage(other)).toBe(false);
  }
});
