/** The clients' desk by itself: how much may wait, and that room comes back. */
import { expect, test } from "bun:test";
import { logIndex, term } from "../../../src/base/numbers.ts";
import type { Command } from "../../../src/kv/command.ts";
import { Desk, limits } from "../../../src/replica/desk.ts";

const asker = { from: { host: "127.0.0.1", port: 30_000 }, id: 1 };
const place = (index: number, t = 1) => ({ index: logIndex(index), term: term(t) });
const command = (sequence: number): Command => ({
  ...{ kind: "request", session: 2, sequence, acknowledged: 1 },
  operation: { kind: "noop" },
});

test("writes may wait up to so many bytes, and the settled ones give theirs back", () => {
  const desk = new Desk();
  const half = limits.writeBytesMax / 2;
  desk.expectWrite(place(3), { asker, command: command(1), bytes: half });
  expect(desk.hasRoomForWrite()).toBe("room");
  desk.expectWrite(place(4), { asker, command: command(2), bytes: half });
  expect(desk.hasRoomForWrite()).toBe("full");
  desk.settleWrite(place(3));
  expect(desk.hasRoomForWrite()).toBe("room");
});

test("a write whose place another one takes gives its bytes back", () => {
  const desk = new Desk();
  desk.expectWrite(place(3), { asker, command: command(1), bytes: limits.writeBytesMax });
  desk.expectWrite(place(3, 2), { asker, command: command(2), bytes: 1 });
  expect(desk.hasRoomForWrite()).toBe("room");
});
