/** One command on its way: handed to whoever leads, again and again, until enough servers have applied it. */
import { assert } from "../../src/base/assert.ts";
import type { Lab } from "./lab.ts";

/** So long a leader that took the command has to get it applied, before another is asked. */
const submissionMs = 2000;

export class Effort {
  index: number | null = null;
  private readonly lab: Lab;
  private readonly parts: { command: Uint8Array; expected: number; retry: "retry" | "once" };
  private under: { readonly index: number; readonly since: number } | null = null;

  constructor(lab: Lab, parts: { command: Uint8Array; expected: number; retry: "retry" | "once" }) {
    this.lab = lab;
    this.parts = parts;
  }

  work(now: number): void {
    if (this.index !== null) return;
    if (this.under === null) this.submit(now);
    const { lab, under } = this;
    if (under === null) return;
    const { command, expected, retry } = this.parts;
    if (lab.appliedCount(under.index) >= expected && lab.holds(under.index, command)) {
      this.index = under.index;
      return;
    }
    if (now - under.since < submissionMs) return;
    assert(retry === "retry", "a command that a leader took is agreed on within two seconds");
    this.under = null;
  }

  private submit(now: number): void {
    for (const at of this.lab.all) {
      if (!this.lab.isConnected(at)) continue;
      const started = this.lab.start(at, this.parts.command);
      if (started === "not-leader") continue;
      this.under = { index: started.index, since: now };
      return;
    }
  }
}
