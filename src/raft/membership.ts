/**
 * Which configuration is in force: the newest one in the log, committed or not, from the moment it is appended
 * (dissertation 4.1). When it is taken back, the one before it is in force again.
 */
import { assert, must } from "../base/assert.ts";
import type { LogIndex, NodeId } from "../base/numbers.ts";
import type { Configuration, Entry } from "./types.ts";

type Located = { readonly index: LogIndex; readonly configuration: Configuration };

export function configurationProblem(configuration: Configuration): string | null {
  const { voters, outgoing, learners } = configuration;
  for (const group of [voters, outgoing, learners]) {
    for (let at = 1; at < group.length; at++) {
      if (group[at - 1]! >= group[at]!) return "members are sorted and named once";
    }
  }
  if (voters.length === 0) return "a configuration has a voter";
  if (learners.some((id) => voters.includes(id))) return "a learner is not a voter";
  return null;
}

export class Membership {
  private readonly history: Located[];

  constructor(base: Located, log: readonly Entry[]) {
    assert(configurationProblem(base.configuration) === null, "the first configuration is sound");
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

  private get newest(): Located {
    return must(this.history[this.history.length - 1], "some configuration is in force");
  }

  appended(entry: Entry): void {
    if (entry.kind !== "configuration") return;
    assert(configurationProblem(entry.body) === null, "a configuration in the log is sound");
    this.history.push({ index: entry.index, configuration: entry.body });
  }

  truncated(from: LogIndex): void {
    while (this.history.length > 1 && this.since >= from) this.history.pop();
  }
}

export const isVoter = (configuration: Configuration, id: NodeId): boolean =>
  configuration.voters.includes(id) || configuration.outgoing.includes(id);

/** Everybody who receives the log, once each, in order. */
export function members(configuration: Configuration): readonly NodeId[] {
  const all = new Set([
    ...configuration.voters,
    ...configuration.outgoing,
    ...configuration.learners,
  ]);
  return [...all].sort((a, b) => a - b);
}
