/**
 * An operator who changes the members all day, and asks over the same bad network as everybody else: servers are let
 * in, get a vote, are removed, leaders too, several at once; and where one is lost for good, it is replaced.
 *
 * What it asks for is drawn from what the leader has. The answer is not believed: the checkers look at the logs.
 */
import type { Address } from "../../base/address.ts";
import { must } from "../../base/assert.ts";
import type { Network } from "../../base/network.ts";
import { type LogIndex, later, type NodeId } from "../../base/numbers.ts";
import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import {
  type AdministrationOutcome,
  decodeAdministrationResponse,
  encodeAdministrationRequest,
} from "../../codec/administration.ts";
import type { Keys } from "../../codec/authentication.ts";
import { openDatagram, sealDatagram } from "../../codec/datagram.ts";
import type { Edit } from "../../raft/edits.ts";
import { members } from "../../raft/membership.ts";
import { majority } from "../../raft/quorum.ts";
import type { State } from "../../raft/state.ts";
import { oneOf } from "../chance.ts";
import type { SimServer } from "../server.ts";
import type { World } from "./world.ts";

const address: Address = { host: "10.0.0.1", port: 19_000 };

/** Never more voters than this. */
const votersMax = 7;

type Wish = {
  readonly edits: readonly Edit[];
  readonly random: Random;
  seen: LogIndex | null;
  askedFor: number;
  over: "open" | "over";
};

export class Operator {
  private readonly world: World;
  private readonly keys: Keys;
  private readonly network: Network;
  private readonly renewDisk: (server: SimServer) => void;
  private wish: Wish | null = null;
  private asked = 0;
  /** Configurations that a copy of some wish may still change. */
  private readonly used = new Set<number>();
  /** How many voters it would like to have at the moment. */
  private goal: number;
  private going: "on" | "over" = "on";

  /** `renewDisk`: whatever was the matter with a server's disk, it gets another one. */
  constructor(world: World, keys: Keys, renewDisk: (server: SimServer) => void) {
    this.world = world;
    this.renewDisk = renewDisk;
    this.keys = keys;
    this.goal = 1 + world.stream("goal").below(votersMax);
    this.network = world.cluster.network.open(address, (_, bytes) => this.hear(bytes));
  }

  stop(): void {
    this.going = "over";
    this.wish = null;
  }

  strike(random: Random): void {
    const leader = this.leader();
    if (leader === null || (this.wish !== null && this.wish.over === "open")) return;
    if (random.below(6) === 0) return this.lose(leader, random);
    const edits = this.draw(leader, random);
    if (edits.length === 0) return;
    const { since } = leader.membership;
    const seen = random.below(4) === 0 ? null : since;
    this.wish = {
      edits,
      random: seededRandom(random.below(2 ** 45)),
      seen,
      askedFor: 0,
      over: "open",
    };
    this.world.tell("wishes", ...edits.map(describe));
    this.ask(this.wish);
  }

  private leader(): State | null {
    const states = this.world.cluster.leaders().flatMap(({ replica }) => replica?.state ?? []);
    return states.reduce<State | null>((a, b) => (a === null || b.term > a.term ? b : a), null);
  }

  private draw(leader: State, random: Random): readonly Edit[] {
    const { world } = this;
    const { voters, learners } = leader.membership.current;
    const all = members(leader.membership.current);
    const outsiders = world.all.filter(
      ({ id, replica }) => replica !== null && !all.includes(id) && !world.isGone(id),
    );
    const gone = all.filter((id) => world.isGone(id));
    const apprentices = learners.filter((id) => !world.isGone(id));
    const room = votersMax - voters.length;
    const promote = (): Edit[] =>
      apprentices.length === 0 ? [] : [{ kind: "promote", id: oneOf(random, apprentices) }];
    const remove = (ids: readonly NodeId[]): Edit[] =>
      ids.length === 0 ? [] : [{ kind: "remove", id: oneOf(random, ids) }];
    const add = (): Edit[] => (outsiders.length === 0 ? [] : [this.add(oneOf(random, outsiders))]);
    if (gone.length > 0 && random.below(4) > 0) {
      return apprentices.length > 0 || outsiders.length === 0
        ? [...promote(), ...remove(gone)]
        : add();
    }
    if (random.below(2) === 0) {
      if (random.below(8) === 0) this.goal = 1 + random.below(votersMax);
      if (voters.length > this.goal) return remove(voters);
      if (voters.length < this.goal) return apprentices.length > 0 ? promote() : add();
    }
    switch (random.below(7)) {
      case 0:
      case 1:
        return add();
      case 2:
        return room > 0 ? promote() : remove(voters);
      case 3:
        return [...promote(), ...remove(voters)];
      case 4:
        return remove(random.below(3) === 0 ? [leader.settings.me] : voters);
      case 5:
        return [...add(), ...(room > 0 ? promote() : []), ...remove(voters)];
      default:
        return [...remove(learners), ...add()];
    }
  }

  private add({ id }: SimServer): Edit {
    const incarnation = must(
      this.world.images.get(id),
      "a server that runs was started",
    ).incarnation;
    return { kind: "add", place: { id, incarnation, address: this.world.cluster.addressOf(id) } };
  }

  private ask(wish: Wish): void {
    if (this.going === "over" || wish.over === "over" || wish !== this.wish) return;
    const { timing } = this.world.plan;
    wish.askedFor += 2 * timing.heartbeatMs;
    if (wish.askedFor > 8 * timing.electionMsMax) {
      wish.over = "over";
      return;
    }
    const leading = this.leader()?.settings.me;
    const target = leading !== undefined && wish.random.below(4) > 0 ? leading : this.anybody(wish);
    this.send(wish, target);
    const { clock } = this.world.cluster;
    clock.wake(later(clock.now(), 2 * timing.heartbeatMs), () => this.ask(wish));
  }

  private anybody({ random }: Wish): NodeId {
    return oneOf(random, this.world.all).id;
  }

  private send(wish: Wish, to: NodeId): void {
    if (wish.seen !== null) this.used.add(wish.seen);
    this.asked += 1;
    const request = { id: this.asked, wish: { kind: "change", ...wish } as const };
    const bytes = sealDatagram({
      kind: "administration-request",
      ...{ cluster: this.world.cluster.clusterId, sender: 0, incarnation: 1, receiver: 0 },
      body: encodeAdministrationRequest(request),
      keys: this.keys,
    });
    this.network.send([{ to: this.world.cluster.addressOf(to), bytes }]);
  }

  private hear(bytes: Uint8Array): void {
    const { cluster } = this.world;
    const opened = openDatagram(bytes, { cluster: cluster.clusterId, me: null, keys: this.keys });
    if (opened.kind === "dropped" || opened.header.kind !== "administration-response") return;
    const response = decodeAdministrationResponse(opened.body);
    if (response !== null && this.wish !== null) this.take(this.wish, response.outcome);
  }

  private take(wish: Wish, outcome: AdministrationOutcome): void {
    const { coverage } = this.world;
    if (wish.over === "over") return;
    if (outcome.kind === "outdated") wish.seen = outcome.since;
    if (outcome.kind === "waiting" && outcome.because === "not-caught-up")
      coverage.add("not-caught-up");
    if (outcome.kind === "waiting" && outcome.because === "would-lose-quorum") {
      coverage.add("would-lose-quorum");
      wish.over = "over";
    }
    if (outcome.kind === "done" || outcome.kind === "refused") wish.over = "over";
    if (outcome.kind === "done") coverage.add("wishes-done");
  }

  /**
   * A server is lost for good: its folder is gone, or it does not come back. Only where everybody has met, where what
   * is left of the voters decides, and where nothing can begin a change that counts on it.
   */
  private lose(leader: State, random: Random): void {
    const { world } = this;
    const { current, since } = leader.membership;
    if (since > leader.commit || current.outgoing.length > 0 || this.used.has(since)) return;
    if (world.everybodyHasMet() === "no" || world.newestChange() > since) return;
    const server = oneOf(random, world.all);
    if (!members(current).includes(server.id) || world.absent.has(server.id)) return;
    const left = current.voters.filter((id) => id !== server.id && !world.isGone(id));
    if (server.replica === null || left.length < majority(current.voters.length)) return;
    world.coverage.add("members-lost");
    const how = random.below(2) === 0 && !this.couldFound(server) ? "wiped" : "refused";
    world.lose(server, how, () => this.renewDisk(server));
  }

  /**
   * Founders that come back with nothing cannot know that there was a cluster: a majority of them would found another
   * (docs/verification.md, Not covered).
   */
  private couldFound(server: SimServer): boolean {
    const { world } = this;
    const founders = world.all.slice(0, world.plan.servers);
    const empty = founders.filter((one) => one === server || world.absent.get(one.id) === "wiped");
    return founders.includes(server) && empty.length >= majority(founders.length);
  }
}

const describe = (edit: Edit): string => {
  switch (edit.kind) {
    case "add":
    case "move":
      return `${edit.kind} n${edit.place.id}`;
    default:
      return `${edit.kind} n${edit.id}`;
  }
};
