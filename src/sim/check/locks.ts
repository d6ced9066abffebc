/**
 * Locks, seen from what they guard: every holder shows its token, and nobody is let in with a token below one that was
 * shown before. Who relies on a lock, by its own clock and the client half's rules, is never turned away, and never
 * meets another who relies on it too, as long as clocks run as they should. Where they do not, tokens still keep order.
 */
import { Violation } from "./violation.ts";

export type LockCounts = {
  /** Holders. */
  held: number;
  /** Holders that came after another one. */
  passedOn: number;
  /** Holders that waited in line. */
  waited: number;
  /** Uses of what is guarded, and those that were turned away because a later holder had been there. */
  used: number;
  fenced: number;
  lost: number;
};

type Guarded = {
  /** The highest token that was shown. */
  token: number;
  shownBy: string;
  /** Who relies on holding, by token. */
  readonly relying: Map<number, string>;
};

export class Locks {
  readonly counts: LockCounts = { held: 0, passedOn: 0, waited: 0, used: 0, fenced: 0, lost: 0 };
  /** "crooked": some clock runs fast or slow, or jumps. */
  private readonly clocks: "right" | "crooked";
  private readonly guarded = new Map<string, Guarded>();

  constructor(clocks: "right" | "crooked") {
    this.clocks = clocks;
  }

  /** From now on `who` relies on holding. */
  begins(lock: string, { token, who }: { token: number; who: string }): void {
    const guarded = this.of(lock);
    const other = guarded.relying.get(token);
    if (other !== undefined) throw wrong(lock, `${who} and ${other} have one token, ${token}`);
    if (this.clocks === "right") {
      for (const [held, holder] of guarded.relying) {
        throw wrong(lock, `${who} holds it with ${token}, and ${holder} relies on ${held}`);
      }
      if (token < guarded.token) {
        throw wrong(lock, `${who} holds it with ${token}, after ${guarded.token} was shown`);
      }
    }
    guarded.relying.set(token, who);
    this.counts.held += 1;
    if (guarded.token > 0 && guarded.shownBy !== who) this.counts.passedOn += 1;
  }

  /** A holder does what the lock is for. */
  uses(lock: string, { token, who }: { token: number; who: string }): void {
    const guarded = this.of(lock);
    this.counts.used += 1;
    if (token < guarded.token) {
      this.counts.fenced += 1;
      if (this.clocks === "crooked") return;
      throw wrong(
        lock,
        `${who} relies on ${token}, and is turned away: ${guarded.token} was shown`,
      );
    }
    if (token === guarded.token && guarded.shownBy !== who) {
      throw wrong(lock, `${who} shows the token of ${guarded.shownBy}, ${token}`);
    }
    guarded.token = token;
    guarded.shownBy = who;
  }

  /** A holder goes on where it fell asleep: it may have lost its hold long ago. */
  wakes(lock: string, { token, who }: { token: number; who: string }): void {
    const guarded = this.of(lock);
    if (token < guarded.token) this.counts.fenced += 1;
    else this.uses(lock, { token, who });
  }

  ends(lock: string, token: number): void {
    this.of(lock).relying.delete(token);
  }

  private of(lock: string): Guarded {
    const known = this.guarded.get(lock);
    if (known !== undefined) return known;
    const fresh: Guarded = { token: 0, shownBy: "", relying: new Map() };
    this.guarded.set(lock, fresh);
    return fresh;
  }
}

const wrong = (lock: string, what: string): Violation => new Violation("I27", `${lock}: ${what}`);
