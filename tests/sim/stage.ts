/**
 * A cluster of Raft states with words for scripts: who times out, which of the packets under way arrives, which is
 * lost, which is kept for later. The witness looks after every step, and `end` lets the cluster converge, so every
 * script also says that nothing it did has cost the cluster its life.
 */
import { assert } from "../../src/base/assert.ts";
import { logIndex } from "../../src/base/numbers.ts";
import { nextDeadline } from "../../src/raft/raft.ts";
import { defaultTiming, type State } from "../../src/raft/state.ts";
import { Cluster, type ClusterOptions, type Packet } from "../harness/cluster.ts";
import { converge } from "../harness/converge.ts";
import { nameOf } from "../harness/notation.ts";

/** Which packets: any part may be left out. `name` as in the scenarios: "vote?", "vote!", "append?", … */
export type Which = { readonly from?: number; readonly to?: number; readonly name?: string };

const exchangeMax = 10_000;

export class Stage {
  readonly cluster: Cluster;

  constructor(options: ClusterOptions) {
    this.cluster = new Cluster({ preVote: "without-pre-vote", ...options });
  }

  state(id: number): State {
    return this.cluster.server(id).live;
  }

  role(id: number): State["role"]["kind"] {
    return this.state(id).role.kind;
  }

  /** The terms of its log. */
  terms(id: number): readonly number[] {
    const { log } = this.state(id);
    return Array.from({ length: log.lastIndex }, (_, at) => log.at(logIndex(at + 1)).term);
  }

  /** Its election timeout ends. */
  timeout(id: number): void {
    const { cluster } = this;
    cluster.wait(Math.max(0, nextDeadline(this.state(id)) - cluster.now));
    cluster.lookAtClock(id);
  }

  /** Nobody has heard a leader for so long that nobody holds an election off. */
  forgetLeader(): void {
    this.cluster.wait(defaultTiming.electionMsMax);
  }

  beat(id: number): void {
    this.cluster.wait(defaultTiming.heartbeatMs);
    this.cluster.lookAtClock(id);
  }

  propose(id: number, count = 1): void {
    for (let at = 0; at < count; at++) this.cluster.propose(id);
  }

  crashAndRestart(id: number): void {
    this.cluster.crash(id);
    this.cluster.restart(id);
  }

  /** It times out, and whoever is named is all it hears of: it must lead then. */
  elect(id: number, voters: readonly number[]): void {
    this.timeout(id);
    this.exchange([id, ...voters], ["prevote?", "prevote!", "vote?", "vote!"]);
    assert(this.role(id) === "leader", `n${id} wins with ${voters.join(", ")}`);
  }

  under({ from, to, name }: Which): readonly Packet[] {
    return this.cluster.pool.filter(
      ({ message }) =>
        (from === undefined || message.from === from) &&
        (to === undefined || message.to === to) &&
        (name === undefined || nameOf(message) === name),
    );
  }

  deliver(which: Which, copy: "only" | "another-follows" = "only"): void {
    const packets = this.under(which);
    assert(packets.length > 0, `something is under way: ${JSON.stringify(which)}`);
    for (const packet of packets) this.cluster.deliver(packet, copy);
  }

  lose(which: Which = {}): void {
    for (const packet of this.under(which)) this.cluster.lose(packet);
  }

  /** Takes packets out of the way; `release` puts them back. */
  keep(which: Which): readonly Packet[] {
    const packets = this.under(which);
    assert(packets.length > 0, `something is under way: ${JSON.stringify(which)}`);
    this.lose(which);
    return packets;
  }

  release(packets: readonly Packet[]): void {
    this.cluster.pool.push(...packets);
  }

  /** Everything under way between these (all, unless named) arrives, and the answers, until it is quiet. */
  exchange(
    among: readonly number[] = [...this.cluster.servers.keys()],
    names?: readonly string[],
  ): void {
    for (let count = 0; count < exchangeMax; count++) {
      const packet = this.cluster.pool.find((one) => {
        const { from, to } = one.message;
        if (!among.includes(from) || !among.includes(to)) return false;
        const isNamed = names === undefined || names.includes(nameOf(one.message));
        return isNamed && this.cluster.canArrive(one) === "yes";
      });
      if (packet === undefined) return;
      this.cluster.deliver(packet);
    }
    throw new Error("it never becomes quiet");
  }

  end(): void {
    converge(this.cluster);
  }
}
