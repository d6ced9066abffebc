/** `(node 1 (role leader) (term 3) … (applied 42) … (journal …) (waiting …) (counters …))` */
import type { NodeId } from "../base/numbers.ts";
import type { Journal } from "../journal/journal.ts";
import { hashText } from "../kv/hash.ts";
import { describeState } from "../raft/describe.ts";
import type { State } from "../raft/state.ts";
import { print } from "../sexp/print.ts";
import { form, list, type SexpList, word } from "../sexp/value.ts";
import type { Counters } from "./counters.ts";
import type { Machine } from "./machine.ts";
import type { Snapshots } from "./snapshots.ts";

export function describeReplica(parts: {
  state: State;
  machine: Machine;
  journal: Journal;
  snapshots: Snapshots;
  waiting: { writes: number; reads: number; messages: number };
  watchers: number;
  counters: Counters;
  /** Whom this server has yet to meet before it promises anything. */
  strangers: readonly NodeId[];
}): string {
  const { state, machine, journal, snapshots, waiting, watchers, counters, strangers } = parts;
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
      ...describeSnapshots(snapshots),
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

/** `(snapshot (last 40 2) (bytes 4096))`, as in the journal, and what is under way. */
function describeSnapshots({ newest, underWay, senders }: Snapshots): readonly SexpList[] {
  const { taking, receiving } = underWay;
  const about: SexpList[] = [];
  if (newest !== null) {
    const { last, bytes } = newest.id;
    about.push(form("snapshot", form("last", last.index, last.term), form("bytes", bytes)));
  }
  if (taking !== null) about.push(form("taking-snapshot", form("last", taking)));
  if (receiving !== null) {
    const { last, bytes } = receiving.id;
    const { received } = receiving;
    const what = [form("last", last.index, last.term), form("bytes", bytes)];
    about.push(form("receiving-snapshot", ...what, form("received", received)));
  }
  for (const { to, last } of senders.targets) {
    about.push(form("sending-snapshot", form("to", to), form("last", last)));
  }
  return about;
}
