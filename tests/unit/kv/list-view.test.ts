/** Pages of one moment: what is kept, how much of it, and what is said when it is kept no more. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { type LogIndex, logIndex, millis } from "../../../src/base/numbers.ts";
import type { Item, ListOperation, Operation, Reply } from "../../../src/kv/command.ts";
import { wholeList } from "../../../src/kv/command.ts";
import { viewLimits } from "../../../src/kv/list-view.ts";
import { apply, emptyStore, read } from "../../../src/kv/store.ts";

const always = { kind: "always" } as const;
const put = (key: string, text: string): Operation => ({
  ...{ kind: "put", key, value: utf8(text), condition: always },
});

/** A store with a client in it. Entry 1 is the client's registration. */
function newStore() {
  const store = emptyStore();
  let index = 1;
  const entry = () => ({ index: logIndex(index), time: millis(index) });
  apply(store, { ...entry(), command: { kind: "register", nonce: 1 } });
  const write = (operation: Operation): Reply => {
    index += 1;
    const names = { session: 1, sequence: index - 1, acknowledged: index - 1 };
    return apply(store, { ...entry(), command: { kind: "request", ...names, operation } });
  };
  const page = (operation: Partial<ListOperation>): Reply =>
    read(store, { ...wholeList, ...operation }, logIndex(index));
  return { store, write, page, at: () => logIndex(index) };
}

type Listed = Extract<Reply, { kind: "listed" }>;

function listed(reply: Reply): Listed {
  if (reply.kind !== "listed") throw new Error(reply.kind);
  return reply;
}

const at = (index: LogIndex) => ({ kind: "at", index }) as const;
const hold = { kind: "hold" } as const;
const keysOf = (items: readonly Item[]): string => items.map(({ key }) => key).join("");

describe("a list in pages", () => {
  const letters = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "");
  const change = fc.record({
    kind: fc.constantFrom("put" as const, "delete" as const, "both" as const),
    key: letters.filter((key) => key !== ""),
  });
  const changes = fc.array(change, { maxLength: 6 });

  test("is what the first page saw, whatever changes in between", () => {
    const scenario = fc.record({
      begin: changes,
      limit: fc.integer({ min: 1, max: 4 }),
      between: fc.array(changes, { minLength: 1, maxLength: 8 }),
      from: letters,
      to: letters,
      show: fc.constantFrom("keys" as const, "values" as const),
    });
    fc.assert(
      fc.property(scenario, ({ begin, limit, between, from, to, show }) => {
        const { write, page, at: now } = newStore();
        let written = 0;
        const perform = (all: typeof begin) => {
          for (const { kind, key } of all) {
            written += 1;
            if (kind !== "put") write({ kind: "delete", key });
            if (kind !== "delete") write(put(key, `${key} ${written}`));
          }
        };
        perform(begin);
        const range = { from, to, show };
        const whole = listed(page(range)).items;
        const index = now();
        let turned = listed(page({ ...range, limit, revision: hold }));
        const seen = [...turned.items];
        for (let turn = 0; turned.more === "more"; turn++) {
          perform(between[turn % between.length] ?? []);
          const after = seen.at(-1)?.key ?? "";
          turned = listed(page({ ...range, limit, after, revision: at(index) }));
          // Asked once more, it is the same page.
          expect(page({ ...range, limit, after, revision: at(index) })).toEqual(turned);
          seen.push(...turned.items);
        }
        expect(seen).toEqual([...whole]);
      }),
      { numRuns: 800 },
    );
  });

  test("keeps nothing where the first page was the last, or was not to be held", () => {
    const { store, write, page } = newStore();
    for (const key of "abc") write(put(key, "v"));
    page({ revision: hold });
    page({ limit: 1 });
    expect(store.views.open).toEqual([]);
  });

  test("of now needs no page before it", () => {
    const { write, page, at: now } = newStore();
    for (const key of "abc") write(put(key, "v"));
    const index = now();
    expect(keysOf(listed(page({ revision: at(index), after: "a" })).items)).toBe("bc");
    write({ kind: "delete", key: "c" });
    expect(keysOf(listed(page({ revision: at(index), after: "b" })).items)).toBe("c");
  });

  test("of an index that nobody held is lost, and so is one of another range", () => {
    const { write, page, at: now } = newStore();
    for (const key of "abc") write(put(key, "v"));
    const index = now();
    page({ limit: 1, to: "c", revision: hold });
    write(put("d", "v"));
    const lost = { kind: "view-lost", index } as const;
    expect(page({ revision: at(index), after: "a" })).toEqual(lost);
    expect(page({ to: "c", revision: at(logIndex(2)) })).toMatchObject({ kind: "view-lost" });
    expect(page({ to: "c", revision: at(index), after: "a" })).toMatchObject({ kind: "listed" });
  });

  test("through the log is of its own moment, the same on every server", () => {
    const { write, page, at: now } = newStore();
    for (const key of "abc") write(put(key, "v"));
    page({ limit: 1, revision: hold });
    const index = now();
    expect(write({ ...wholeList, revision: at(index) })).toEqual({ kind: "view-lost", index });
  });
});

describe("what is kept is bounded", () => {
  test("in keys", () => {
    const { store, write, page, at: now } = newStore();
    for (const key of "ab") write(put(key, "v"));
    const index = now();
    page({ limit: 1, revision: hold });
    for (let key = 0; key < viewLimits.keysMax; key++) write(put(`n${key}`, ""));
    expect(store.views.open[0]?.before.size).toBe(viewLimits.keysMax);
    expect(page({ after: "a", revision: at(index) })).toMatchObject({ kind: "listed" });
    write(put("one more", ""));
    expect(store.views.open).toEqual([]);
    expect(page({ after: "a", revision: at(index) })).toEqual({ kind: "view-lost", index });
  });

  test("in bytes", () => {
    const { store, write, page } = newStore();
    const half = new Uint8Array(viewLimits.bytesMax / 32);
    for (let key = 0; key < 40; key++) {
      write({ kind: "put", key: `k${key}`, value: half, condition: always });
    }
    page({ limit: 1, revision: hold });
    for (let key = 0; key < 31; key++) write({ kind: "delete", key: `k${key}` });
    expect(store.views.open).toHaveLength(1);
    write({ kind: "delete", key: "k31" });
    expect(store.views.open).toEqual([]);
  });

  test("in lists, of which the one not asked for longest goes", () => {
    const { store, write, page, at: now } = newStore();
    for (const key of "ab") write(put(key, "v"));
    const indexes: LogIndex[] = [];
    for (let list = 0; list <= viewLimits.viewsMax; list++) {
      indexes.push(now());
      page({ limit: 1, revision: hold });
      write(put("b", `${list}`));
      // The first is asked for again and again.
      if (list < viewLimits.viewsMax) page({ after: "a", revision: at(indexes[0]!) });
    }
    expect(store.views.open).toHaveLength(viewLimits.viewsMax);
    const kinds = indexes.map((index) => page({ after: "a", revision: at(index) }).kind);
    expect(kinds.filter((kind) => kind === "view-lost")).toHaveLength(1);
    expect(kinds.slice(0, 2)).toEqual(["listed", "view-lost"]);
  });

  test("in time: a list that nobody goes on with is forgotten, one that was read sooner", () => {
    const idle = newStore();
    const read = newStore();
    for (const { write, page, at: now } of [idle, read]) {
      for (const key of "ab") write(put(key, "v"));
      const index = now();
      page({ limit: 1, revision: hold });
      if (read.page === page) page({ after: "a", revision: at(index) });
      for (let entry = 0; entry < viewLimits.doneEntriesMax + 1000; entry++)
        write({ kind: "noop" });
    }
    expect(idle.store.views.open).toHaveLength(1);
    expect(read.store.views.open).toEqual([]);
    for (let entry = 0; entry < viewLimits.idleEntriesMax; entry++) idle.write({ kind: "noop" });
    expect(idle.store.views.open).toEqual([]);
  });
});
