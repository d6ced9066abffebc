/**
 * Which configuration is in force: the newest one in the log, committed or not, from the moment it is appended
 * (dissertation 4.1). When it is taken back, the one before it is in force again.
 */
import { assert, must } from "../base/assert.ts";
import type { LogIndex, NodeId } from "../base/numbers.ts";
import type { Configuration, Entry } from "./types.ts";

export const membershipLimits = {
  /** Voters, outgoing voters and learners together. */
  namesMax: 62,
} as const;

type Located = { readonly index: LogIndex; readonly configuration: Configuration };

export function configurationProblem(configuration: Configuration): string | null {
  const { voters, outgoing, learners } = configuration;
  for (const group of [voters, outgoing, learners]) {
    for (let at = 1; at < group.length; at++) {
      if (group[at - 1]! >= group[at]!) return "members are sorted and named once";
    }
  }
  if (voters.length === 0) return "a configuration has a voter";
  if (voters.length + outgoing.length + learners.length > membershipLimits.namesMax) {
    return "a configuration has a bounded number of members";
  }
  if (learners.some((id) => voters.includes(id))) return "a learner is not a voter";
  const named = new Set([...voters, ...outgoing, ...learners]);
  let before = 0;
  for (const { id } of configuration.places ?? []) {
    if (id <= before || !named.has(id)) return "places are those of members, sorted";
    before = id;
  }
  return null;
}

/** What a server that was told of nobody begins with: it waits for a leader that has it in its configuration. */
export const nobodyYet: Configuration = { voters: [], outgoing: [], learners: [] };

export class Membership {
  private readonly history: Located[];
  /** How many configurations were in force here and are not any more, because they were taken back. */
  takenBack = 0;

  constructor(base: Located, log: readonly Entry[]) {
    const problem = configurationProblem(base.configuration);
    const isJoining = members(base.configuration).length === 0;
    assert(isJoining || problem === null, "the first configuration is sound");
    this.history = [base];
    for (const entry of log) this.appended(entry);
  }

  get current(): Configuration {
    return this.newest.configuration;
  }

  /** The index of the entry that put the current configuration in force. */
  get since(): LogIndex {
    return this.newest.index;
  }

  /** The configuration that would be in force if the newest one were taken back; null where that cannot be. */
  get previous(): Configuration | null {
    return this.history[this.history.length - 2]?.configuration ?? null;
  }

  private get newest(): Located {
    return must(this.history[this.history.length - 1], "some configuration is in force");
  }

  appended(entry: Entry): void {
    if (entry.kind !== "configuration") return;
    assert(configurationProblem(entry.body) === null, "a configuration in the log is sound");
    this.history.push({ index: entry.index, configuration: entry.body });
  }

  /** The one that was in force at an entry, which must not be one before the first that is known. */
  at(index: LogIndex): Configuration {
    const located = this.history.findLast((one) => one.index <= index) ?? this.history[0];
    return must(located, "some configuration is in force").configuration;
  }

  /** Nothing up to `to` will be taken back or asked for. */
  compacted(to: LogIndex): void {
    while (this.history[1] !== undefined && this.history[1].index <= to) this.history.shift();
  }

  /** The log begins anew, behind a snapshot that ends with `base.index`. */
  restarted(base: Located): void {
    assert(
      configurationProblem(base.configuration) === null,
      "a snapshot's configuration is sound",
    );
    this.history.length = 0;
    this.history.push(base);
  }

  truncated(from: LogIndex): void {
    while (this.history.length > 1 && this.since >= from) {
      this.history.pop();
      this.takenBack += 1;
    }
  }
}

export const isVoter = (configuration: Configuration, id: NodeId): boolean =>
  configuration.voters.includes(id) || configuration.outgoing.includes(id);

export const isJoint = (configuration: Configuration): boolean => configuration.outgoing.length > 0;

/** Everybody who receives the log, once each, in order. */
export function members(configuration: Configuration): readonly NodeId[] {
  const all = new Set([
    ...configuration.voters,
    ...configuration.outgoing,
    ...configuration.learners,
  ]);
  return [...all].sort((a, b) => a - b);
}
