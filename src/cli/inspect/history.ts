/**
 * The history of one key: the entries that name it, each with what became of it. An entry is shown
 * once that is known: when it is committed, with the store's reply to it, or when another takes its
 * place. What the file leaves open is shown last.
 */
import { decodeCommand } from "../../codec/command.ts";
import type { Item } from "./log.ts";
import type { Fate, Shown } from "./record-view.ts";
import { type Outcome, Replay } from "./replay.ts";
import { touches } from "./select.ts";
import { type Placed, Settling } from "./settle.ts";

export class KeyHistory {
  private readonly key: string;
  private readonly settling = new Settling();
  /**
   * Null where the log does not begin at its first entry, or holds a command that cannot be read.
   */
  private replay: Replay | null;

  constructor(key: string, begins: "at-the-first-entry" | "later") {
    this.key = key;
    this.replay = begins === "later" ? null : new Replay();
  }

  /** What is known now and was not before. */
  take(item: Item): readonly Shown[] {
    const { committed, replaced } = this.settling.take(item);
    const shown: Shown[] = [];
    for (const placed of committed) {
      const outcome = this.applied(placed);
      this.show(shown, placed, { kind: "committed", outcome });
    }
    const { record } = item.located;
    for (const placed of replaced) {
      if (record.kind === "entry") this.show(shown, placed, { kind: "replaced", by: record.entry });
    }
    return shown;
  }

  end(): readonly Shown[] {
    const shown: Shown[] = [];
    for (const placed of this.settling.tail) this.show(shown, placed, { kind: "open" });
    return shown;
  }

  private applied({ entry }: Placed): Outcome | null {
    // Behind a snapshot that took the place of the log, what the store held is not known here.
    if (this.replay?.place(entry) === "beyond") this.replay = null;
    const outcome = this.replay?.apply(entry) ?? null;
    if (outcome?.kind === "unreadable") this.replay = null;
    return outcome;
  }

  private show(shown: Shown[], { entry, item }: Placed, fate: Fate): void {
    if (entry.kind !== "command" || !touches(decodeCommand(entry.body), this.key)) return;
    shown.push({ ...item, fate });
  }
}
