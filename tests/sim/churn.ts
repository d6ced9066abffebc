/** The course's churn clients: each hands a command to every server in turn, and looks a while whether it is agreed on. */
import type { Lab } from "./lab.ts";

type Agreed = { readonly index: number; readonly command: Uint8Array };

/** After so long a client looks again, five times. */
const looksMs = [10, 20, 50, 100, 200] as const;

export class ChurnClient {
  readonly agreed: Agreed[] = [];
  private readonly lab: Lab;
  private readonly restMs: number;
  private under: (Agreed & { looks: number }) | null = null;
  private dueAt = 0;

  constructor(lab: Lab, number: number) {
    this.lab = lab;
    this.restMs = 79 + number * 17;
  }

  /** Called every ten milliseconds. */
  work(): void {
    const now = this.lab.cluster.clock.now();
    if (now < this.dueAt) return;
    if (this.under === null) this.handIn(now);
    else this.look(now, this.under);
  }

  private handIn(now: number): void {
    const { lab } = this;
    const command = lab.command();
    for (const at of lab.all) {
      const started = lab.start(at, command);
      if (started !== "not-leader") this.under = { index: started.index, command, looks: 0 };
    }
    this.dueAt = now + (this.under === null ? this.restMs : looksMs[0]);
  }

  private look(now: number, under: Agreed & { looks: number }): void {
    under.looks += 1;
    if (this.lab.holds(under.index, under.command)) this.agreed.push(under);
    const next = looksMs[under.looks];
    if (next !== undefined && this.agreed.at(-1) !== under) {
      this.dueAt = now + next;
      return;
    }
    this.under = null;
    this.dueAt = now;
  }
}

export const churnClients = (lab: Lab, count: number): readonly ChurnClient[] =>
  Array.from({ length: count }, (_, number) => new ChurnClient(lab, number));
