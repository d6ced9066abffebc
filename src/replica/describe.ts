/** `(node 1 (role leader) (term 3) … (applied 42) … (journal …) (waiting …) (counters …))` */
import type { NodeId } from "../base/numbers.ts";
import type { Journal } from "../journal/journal.ts";
import { hashText } from "../kv/hash.ts";
import { describeState } from "../raft/describe.ts";
import type { State } from "../raft/state.ts";
import { print } from "../sexp/print.ts";
import { form, list, word } from "../sexp/value.ts";
import type { Counters } from "./counters.ts";
import type { Machine } from "./machine.ts";

export function describeReplica(parts: {
  state: State;
  machine: Machine;
  journal: Journal;
  waiting: { writes: number; reads: number; messages: number };
  watchers: number;
  counters: Counters;
  /** Whom this server has yet to meet before it promises anything. */
  strangers: readonly NodeId[];
}): string {
  const { state, machine, journal, waiting, watchers, counters, strangers } = parts;
  const counts = counters.sorted().map(([name, count]) => list(word(name), count));
  return print(
    form(
      "node",
      state.settings.me,
      ...describeState(state),
      form("applied", machine.applied),
      form(
        "store",
        form("keys", machine.keys),
        form("sessions", machine.sessions),
        form("hash", hashText(machine.store.hash)),
        form("leases", machine.leases.byId.size),
      ),
      form("journal", form("position", journal.position), form("durable", journal.durable)),
      form(
        "waiting",
        form("writes", waiting.writes),
        form("reads", waiting.reads),
        form("messages", waiting.messages),
      ),
      form("watches", form("watchers", watchers), form("first", machine.past.firstAvailable)),
      form("counters", ...counts),
      ...(strangers.length === 0 ? [] : [form("strangers", ...strangers)]),
    ),
  );
}
