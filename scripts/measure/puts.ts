/** Puts as clients make them: one session, keys drawn from so many, and the entries that a log has of them. */
import { byteString, utf8 } from "../../src/base/bytes.ts";
import { type LogIndex, logIndex, millis, type Term, term } from "../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { encodeCommand } from "../../src/codec/command.ts";
import type { Command } from "../../src/kv/command.ts";
import type { Entry } from "../../src/raft/types.ts";

/** The log's first entry registers the session, which is named by its index. */
const session = 1;

export const firstTerm: Term = term(1);

export type PutsOptions = {
  readonly keys: number;
  readonly valueBytes: number;
  /** Keys by chance, as a client draws them; or each of them once before that, so that all are there. */
  readonly order: "chance" | "each-once-first";
};

/** Every call makes the next entry of one log: a registration, then puts without end. */
export class Puts {
  private readonly options: PutsOptions;
  private readonly value: Uint8Array;
  private readonly random: Random = seededRandom(7);
  private made = 0;

  constructor(options: PutsOptions) {
    this.options = options;
    this.value = new Uint8Array(options.valueBytes).fill(0x76);
  }

  get next(): LogIndex {
    return logIndex(this.made + 1);
  }

  command(): Command {
    this.made += 1;
    if (this.made === session) return { kind: "register", nonce: 7 };
    const sequence = this.made - session;
    const operation = {
      ...({ kind: "put", key: this.key(sequence), value: this.value } as const),
      condition: { kind: "always" } as const,
    };
    return { kind: "request", session, sequence, acknowledged: sequence, operation };
  }

  entry(): Entry {
    const index = this.next;
    const body = encodeCommand(this.command());
    return { index, term: firstTerm, time: millis(index), kind: "command", body };
  }

  entries(count: number): Entry[] {
    return Array.from({ length: count }, () => this.entry());
  }

  private key(sequence: number): string {
    const { keys, order } = this.options;
    const inTurn = order === "each-once-first" && sequence <= keys;
    const number = inTurn ? sequence - 1 : this.random.below(keys);
    return byteString(utf8(`bench-${number}`));
  }
}
