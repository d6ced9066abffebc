/** A log with gaps: what may fill them, and what becomes of the rest where another log is right. */
import { describe, expect, test } from "bun:test";
import { logIndex, millis, noIndex, noTerm, term } from "../../../src/base/numbers.ts";
import { gapsOf, type HoleEnds, PartialLog } from "../../../src/journal/partial-log.ts";
import type { Entry, EntryId } from "../../../src/raft/types.ts";

const id = (index: number, its: number): EntryId => ({ index: logIndex(index), term: term(its) });

const entry = (index: number, its: number): Entry => ({
  ...{ ...id(index, its), time: millis(0) },
  ...{ kind: "noop", body: null },
});

/** Entries from 1 on, of these terms. */
function logOf(terms: readonly number[], commit = 0): PartialLog {
  const log = new PartialLog(id(0, 0), logIndex(commit));
  terms.forEach((its, at) => {
    log.append(entry(at + 1, its));
  });
  return log;
}

const hole = (before: number, behind: number, replaced: HoleEnds["replaced"]): HoleEnds => ({
  ...{ termBefore: term(before), termBehind: term(behind), replaced },
});

const shown = (log: PartialLog): string =>
  Array.from({ length: log.last.index - log.base.index }, (_, at) => {
    return log.at(logIndex(log.base.index + at + 1))?.term ?? "-";
  }).join(" ");

describe("behind a hole", () => {
  const cases: readonly [string, PartialLog, EntryId, HoleEnds, string][] = [
    [
      "all stays where nothing was replaced",
      logOf([1, 1, 2]),
      id(5, 4),
      hole(2, 4, "nothing"),
      "1 1 2 - -",
    ],
    [
      "all stays where one leader wrote",
      logOf([1, 1, 2]),
      id(5, 2),
      hole(2, 2, "unknown"),
      "1 1 2 - -",
    ],
    [
      "only what was committed stays else",
      logOf([1, 1, 2], 2),
      id(5, 4),
      hole(2, 4, "unknown"),
      "1 1 - - -",
    ],
    [
      "an older leader's end may be replaced in the same term",
      logOf([1, 1], 1),
      id(4, 2),
      hole(2, 2, "unknown"),
      "1 - - -",
    ],
    [
      "all stays where the log ends as before",
      logOf([1, 1, 2]),
      id(3, 2),
      hole(2, 5, "unknown"),
      "1 1 2",
    ],
    [
      "the log is shorter where its end was taken back",
      logOf([1, 1, 2]),
      id(2, 1),
      hole(2, 5, "unknown"),
      "1 1",
    ],
  ];
  for (const [what, log, last, ends, then] of cases) {
    test(what, () => {
      log.resume(last, ends);
      expect(shown(log)).toBe(then);
      expect(log.last).toEqual(last);
    });
  }
});

describe("a gap", () => {
  const gappy = (): PartialLog => {
    const log = logOf([1, 1]);
    log.resume(id(4, 2), hole(1, 2, "nothing"));
    log.append(entry(5, 3));
    return log;
  };

  test("is named with what stands before and behind it", () => {
    const log = gappy();
    expect(log.gap).toEqual({
      ...{ previous: id(2, 1), from: logIndex(3), to: logIndex(4), anchor: id(5, 3) },
    });
    expect(log.anchors).toEqual([{ from: logIndex(5), to: logIndex(5), term: term(3) }]);
    expect(gapsOf(log)).toEqual([{ from: logIndex(3), to: logIndex(4) }]);
  });

  test("is filled piece by piece, from either end", () => {
    const log = gappy();
    expect(log.fill(log.gap!, [entry(4, 2)])).toBe("filled");
    expect(log.gap).toMatchObject({ from: 3, to: 3, anchor: id(4, 2) });
    expect(log.fill(log.gap!, [entry(3, 2)])).toBe("filled");
    expect(log.gap).toBe(null);
    expect(log.entries.map((one) => Number(one.term))).toEqual([1, 1, 2, 2, 3]);
  });

  const wrong: readonly [string, readonly Entry[]][] = [
    ["nothing", []],
    ["what is there already", [entry(2, 1), entry(3, 1)]],
    ["more than is missing", [entry(3, 1), entry(4, 1), entry(5, 1)]],
    ["terms that fall", [entry(3, 2), entry(4, 1)]],
    ["a term above that of the entry behind the gap", [entry(3, 4)]],
    ["a term below that of the entry before the gap", [entry(3, 0)]],
  ];
  for (const [what, entries] of wrong) {
    test(`is not filled with ${what}`, () => {
      const log = gappy();
      expect(log.fill(log.gap!, entries)).toBe("wrong");
      expect(shown(log)).toBe("1 1 - - 3");
    });
  }

  test("is filled from its beginning with its end looked for once, however large", () => {
    const log = logOf([1]);
    log.resume(id(1000, 1), hole(1, 1, "nothing"));
    for (let at = 1001; at <= 2000; at++) log.append(entry(at, 1));
    let looks = 0;
    const { at: look } = log;
    log.at = (index) => {
      looks += 1;
      return look.call(log, index);
    };
    for (let at = 2; at <= 1000; at++) {
      expect(log.anchors).toEqual([{ from: logIndex(1001), to: logIndex(2000), term: term(1) }]);
      expect(log.fill(log.gap!, [entry(at, 1)])).toBe("filled");
    }
    expect(log.gap).toBe(null);
    expect(looks).toBeLessThan(12_000);
  });

  test("at the end of the log takes no other entry in the place of the last one", () => {
    const log = logOf([1]);
    log.resume(id(2, 2), hole(1, 2, "nothing"));
    expect(log.fill(log.gap!, [entry(2, 1)])).toBe("wrong");
    expect(log.fill(log.gap!, [entry(2, 2)])).toBe("filled");
  });

  test("has the last entry among its anchors, however much is missing", () => {
    const log = logOf([1]);
    log.resume(id(3, 1), hole(1, 1, "nothing"));
    for (let at = 4; at < 40; at += 2) {
      log.append(entry(at, at));
      log.resume(id(at + 1, at), hole(at, at, "nothing"));
    }
    const anchors = log.anchors;
    expect(anchors.length).toBe(9);
    expect(anchors.at(-1)).toEqual({ from: logIndex(39), to: logIndex(39), term: term(38) });
  });
});

describe("where another entry is committed", () => {
  test("all that is not known to be committed is missing", () => {
    const log = logOf([1, 1, 1, 1], 2);
    log.refute(id(3, 2));
    expect(shown(log)).toBe("1 1 -");
    expect(log.last).toEqual(id(3, 2));
    expect(Number(log.commit)).toBe(3);
  });
});

describe("on a snapshot", () => {
  test("the log keeps what follows its last entry", () => {
    const log = logOf([1, 1, 2, 2]);
    log.standOn(id(2, 1));
    expect([log.base, shown(log)]).toEqual([id(2, 1), "2 2"]);
  });

  test("a log that has another entry there is nothing", () => {
    const log = logOf([1, 1, 1, 1]);
    log.standOn(id(2, 2));
    expect([log.base, log.last, shown(log)]).toEqual([id(2, 2), id(2, 2), ""]);
  });

  test("that ends within a gap, the entry behind the gap is asked for once more: it may not follow", () => {
    const log = logOf([1]);
    log.resume(id(3, 1), hole(1, 1, "nothing"));
    log.append(entry(4, 2));
    log.standOn(id(3, 1));
    expect([log.base, shown(log)]).toEqual([id(3, 1), "-"]);
    log.append(entry(5, 2));
    log.resume(id(7, 2), hole(2, 2, "nothing"));
    log.append(entry(8, 2));
    log.standOn(id(6, 2));
    expect([log.base, shown(log)]).toEqual([id(6, 2), "- 2"]);
  });

  test("that ends within a gap, a log whose terms would fall behind it is nothing", () => {
    const log = logOf([1]);
    log.resume(id(3, 1), hole(1, 1, "nothing"));
    log.append(entry(4, 2));
    log.append(entry(5, 4));
    log.standOn(id(3, 3));
    expect([log.base, log.last, shown(log)]).toEqual([id(3, 3), id(3, 3), ""]);
  });

  test("beyond the log, nothing of it is needed", () => {
    const log = logOf([1, 1]);
    log.standOn(id(9, 3));
    expect([log.base, log.last]).toEqual([id(9, 3), id(9, 3)]);
  });

  test("before a log whose beginning is lost, what lies between is missing", () => {
    const log = new PartialLog(id(5, 2), noIndex);
    log.append(entry(6, 2));
    log.standOn(id(3, 1));
    expect([log.base, shown(log)]).toEqual([id(3, 1), "- - 2"]);
    expect(log.gap).toMatchObject({ from: 4, to: 5, anchor: id(6, 2) });
  });
});

test("an empty log has no gap", () => {
  expect(new PartialLog({ index: noIndex, term: noTerm }, noIndex).gap).toBe(null);
});
