/** A store in blocks, and back: as it was at one moment, whatever happens to it while it is read. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { must } from "../../../src/base/assert.ts";
import { concat, hex, utf8 } from "../../../src/base/bytes.ts";
import { logIndex, millis } from "../../../src/base/numbers.ts";
import { encodeReply } from "../../../src/codec/reply.ts";
import { type SectionBlock, StoreBuilder, StoreReader } from "../../../src/codec/store-sections.ts";
import type { Command } from "../../../src/kv/command.ts";
import { visitKeys } from "../../../src/kv/key-order.ts";
import { apply, emptyStore, type Store } from "../../../src/kv/store.ts";
import { anyOperation } from "../kv/arbitrary.ts";

const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("register" as const), nonce: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("expire" as const),
      leases: fc
        .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 20 })
        .map((ids) => ids.sort((a, b) => a - b)),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("request" as const),
      session: fc.integer({ min: 1, max: 9 }),
      sequence: fc.integer({ min: 1, max: 9 }),
      acknowledged: fc.integer({ min: 1, max: 4 }),
      operation: anyOperation,
    }),
  },
);
const anyLog = fc.array(anyCommand, { maxLength: 60, size: "max" });

/** Applies commands one by one; sessions 1 to 3 are there from the beginning. */
function player(store: Store): (command: Command) => void {
  let index = 0;
  const play = (command: Command): void => {
    index += 1;
    apply(store, { index: logIndex(index), time: millis(10 * index), command });
  };
  for (let nonce = 1; nonce <= 3; nonce++) play({ kind: "register", nonce });
  return play;
}

function allBlocks(reader: StoreReader): SectionBlock[] {
  const blocks: SectionBlock[] = [];
  // A block is its reader's until the next one is asked for.
  for (let block = reader.next(); block !== null; block = reader.next()) {
    blocks.push({ ...block, bytes: new Uint8Array(block.bytes) });
  }
  return blocks;
}

function built(blocks: readonly SectionBlock[]): Store {
  const builder = new StoreBuilder();
  for (const block of blocks) expect(builder.take(block)).toBe("taken");
  return builder.store;
}

/** Everything that is state, in the order that is a part of it. */
function picture(store: Store): string {
  const keys: string[] = [];
  visitKeys(store.order, "", (key) => {
    keys.push(key);
    return "next";
  });
  const values = keys.map((key) => {
    const { value, revision } = must(store.values.get(key), "a key in order has a value");
    return [key, hex(value), revision];
  });
  const sessions = [...store.sessions.byId.values()].map((session) => ({
    ...session,
    replies: [...session.replies]
      .sort(([a], [b]) => a - b)
      .map(([sequence, reply]) => [sequence, hex(encodeReply(reply))]),
  }));
  const leases = [...store.leases.byId.values()].map((lease) => ({
    ...lease,
    keys: [...lease.keys].sort(),
  }));
  const first = store.leases.deadlines.first;
  return JSON.stringify([store.values.size, values, sessions, leases, first]);
}

test("what is read is the store as it was when reading began, however it goes on", () => {
  fc.assert(
    fc.property(anyLog, anyLog, fc.integer({ min: 1, max: 60 }), (before, after, blockBytes) => {
      const store = emptyStore();
      const play = player(store);
      before.forEach(play);
      const then = picture(store);
      const reader = new StoreReader(store, blockBytes);
      const blocks: SectionBlock[] = [];
      for (const command of after) {
        const block = reader.next();
        if (block !== null) blocks.push({ ...block, bytes: new Uint8Array(block.bytes) });
        play(command);
      }
      blocks.push(...allBlocks(reader));
      expect(picture(built(blocks))).toBe(then);
      expect([store.keyView, store.sessions.view, store.leases.view]).toEqual([null, null, null]);
    }),
    { numRuns: 1000 },
  );
});

test("the same store makes the same blocks, read at once or while it changes", () => {
  fc.assert(
    fc.property(anyLog, anyLog, (before, after) => {
      const store = emptyStore();
      const play = player(store);
      before.forEach(play);
      const still = allBlocks(new StoreReader(store, 20));
      const reader = new StoreReader(store, 20);
      after.forEach(play);
      expect(allBlocks(reader)).toEqual(still);
    }),
    { numRuns: 300 },
  );
});

test("a store that was read back goes on as the one it was made of", () => {
  fc.assert(
    fc.property(anyLog, anyLog, (before, after) => {
      const store = emptyStore();
      player(store);
      let index = 3;
      const step = (on: Store, command: Command): string => {
        const reply = apply(on, { index: logIndex(index), time: millis(10 * index), command });
        return hex(encodeReply(reply));
      };
      for (const command of before) {
        index += 1;
        step(store, command);
      }
      const other = built(allBlocks(new StoreReader(store)));
      for (const command of after) {
        index += 1;
        expect(step(other, command)).toBe(step(store, command));
      }
      expect(picture(other)).toBe(picture(store));
    }),
    { numRuns: 300 },
  );
});

test("thousands of keys that come, go and change meanwhile", () => {
  const store = emptyStore();
  const play = player(store);
  let sequence = 0;
  const operate = (operation: Extract<Command, { kind: "request" }>["operation"]): void => {
    sequence += 1;
    play({ kind: "request", session: 1, sequence, acknowledged: sequence, operation });
  };
  const put = (key: string, text: string): void =>
    operate({ kind: "put", key, value: utf8(text), condition: { kind: "always" } });
  for (let at = 0; at < 5000; at++) put(`k${(at * 7919) % 5000}`, `${at}`);
  const then = picture(store);
  const still = allBlocks(new StoreReader(store, 500));
  const reader = new StoreReader(store, 500);
  const blocks: SectionBlock[] = [];
  for (let at = 0; at < 5000; at++) {
    const key = `k${(at * 6007) % 5000}`;
    if (at % 3 === 0) operate({ kind: "delete", key });
    else put(at % 3 === 1 ? key : `new${at}`, "changed");
    const block = at % 10 === 0 ? reader.next() : null;
    if (block !== null) blocks.push({ ...block, bytes: new Uint8Array(block.bytes) });
  }
  blocks.push(...allBlocks(reader));
  expect(picture(built(blocks))).toBe(then);
  expect(blocks).toEqual(still);
});

test("a block that is not as it must be is refused", () => {
  const store = emptyStore();
  const play = player(store);
  const operation = {
    kind: "put",
    key: "a",
    value: utf8("x"),
    condition: { kind: "always" },
  } as const;
  play({ kind: "request", session: 1, sequence: 1, acknowledged: 1, operation });
  const [keys, sessions] = allBlocks(new StoreReader(store)) as [SectionBlock, SectionBlock];
  const refused = (blocks: readonly SectionBlock[]): string => {
    const builder = new StoreBuilder();
    return blocks.map((block) => builder.take(block)).at(-1) ?? "nothing";
  };
  expect(refused([keys, sessions])).toBe("taken");
  expect(refused([keys, keys])).toBe("malformed");
  expect(refused([sessions, keys])).toBe("malformed");
  expect(refused([sessions, sessions])).toBe("malformed");
  expect(refused([{ kind: 99, bytes: keys.bytes }])).toBe("unknown-section");
  for (const { kind, bytes } of [keys, sessions]) {
    expect(refused([{ kind, bytes: bytes.subarray(0, -1) }])).toBe("malformed");
  }
});

test("leases that are not as they must be are refused", () => {
  const store = emptyStore();
  const play = player(store);
  const tenure = { kind: "own", ttlMs: 500 } as const;
  const common = { kind: "put-leased", value: utf8("x"), condition: { kind: "always" } } as const;
  for (const [at, key] of ["a", "b"].entries()) {
    const operation = { ...common, key, tenure };
    play({ kind: "request", session: 1, sequence: 1 + at, acknowledged: 1, operation });
  }
  const blocks = allBlocks(new StoreReader(store));
  const leases = must(blocks.at(-1), "there are leases").bytes;
  const [time, first, key] = [
    leases.subarray(0, 7),
    leases.subarray(7, 27),
    leases.subarray(27, 37),
  ];
  const verdict = (...parts: readonly Uint8Array[]): string => {
    const builder = new StoreBuilder();
    for (const block of blocks.slice(0, -1)) expect(builder.take(block)).toBe("taken");
    return builder.take({ kind: 18, bytes: concat(parts) });
  };
  const changed = (bytes: Uint8Array, at: number, byte: number): Uint8Array => {
    const copy = bytes.slice();
    copy[at] = byte;
    return copy;
  };
  expect(verdict(leases)).toBe("taken");
  expect(verdict(time, first, key)).toBe("taken");
  for (const parts of [
    [time, first, key, key],
    [time, first, first],
    [time, key],
    [first],
    [time, first, time],
    [time, first, key.subarray(0, -1)],
    [time, changed(first, 7, 2)],
    [time, changed(first, 8, 1)],
    [time, first, changed(key, 9, 0x7a)],
    [time, first, changed(key, 0, 4)],
  ]) {
    expect(verdict(...parts)).toBe("malformed");
  }
});
