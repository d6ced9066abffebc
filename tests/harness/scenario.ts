/**
 * Text scenarios: what the commands of a block do to a cluster, and what they changed.
 *
 *     cluster 3 | cluster, then a row per server: n1 T2 voted=n3 [1 1 2], what is on its disk
 *     timeout n1          its election timeout ends (the clock moves there where it has not got so far)
 *     wait 600            time passes; nobody looks at the clock
 *     clock n1            n1 looks at the clock
 *     beats n1 1000       time passes, n1 looks at the clock every 60 ms, and all that is under way arrives
 *     propose n1 3        three commands from clients
 *     read n1             a read; it says when it is confirmed or abandoned
 *     transfer n1 n2      leadership is to go from n1 to n2
 *     compact n1 3        n1 takes a snapshot of its log up to entry 3, and forgets what is in it
 *     change n1 +n4 -n3   n1 is asked for other members: +n4 a learner, ^n4 gets a vote, -n3 goes; it says what came of it
 *     exchange n1 n2      everything under way between these arrives, and the answers, until it is quiet;
 *                         `exchange` alone means everybody; then `only vote`: nothing else arrives; then
 *                         `show append beat`: these are printed as they arrive, or `show`: all that do
 *     deliver n1 n2 vote? what is under way from n1 to n2 now (of that kind); printed
 *     lose, twice, late   the same words: it never arrives; a copy stays under way; the newest comes first
 *     hold, release       set aside, and put back after all that is under way
 *     partition n1 n2 | n3, heal, crash n1, restart n1; stall n1: its disk does not answer, it is told
 *     disk n1 by-hand, sync n1       n1's writes stay under way; the oldest is durable; `disk n1 at-once`
 *
 * What cannot be is refused. The witness looks after every input, and at the end the cluster must converge.
 */
import { must } from "../../src/base/assert.ts";
import { nodeId } from "../../src/base/numbers.ts";
import type { Input } from "../../src/raft/raft.ts";
import { proposalRefusal } from "../../src/raft/raft.ts";
import { defaultTiming } from "../../src/raft/state.ts";
import type { Packet } from "./cluster.ts";
import { Cluster } from "./cluster.ts";
import { converge } from "./converge.ts";
import { messageText, nameOf, row } from "./notation.ts";
import type { Block } from "./scenario-text.ts";
import { clusterOptions, parseEdit, serverNumber, wholeNumber } from "./scenario-text.ts";

/** Runs all of it, and what `converge` demands; gives back the blocks with what really happened. */
export function runScenario(blocks: readonly Block[]): Block[] {
  const first = must(blocks[0], "a scenario has a beginning");
  const scenario = new Scenario(first.commands);
  const played = [{ ...first, expected: "ok" }];
  for (const block of blocks.slice(1)) played.push({ ...block, expected: scenario.run(block) });
  converge(scenario.cluster);
  return played;
}

class Scenario {
  readonly cluster: Cluster;
  private readonly shown = new Map<number, string>();
  private held: Packet[] = [];
  private readsTold = 0;
  private tickets = 0;
  private out: string[] = [];

  constructor(beginning: readonly string[]) {
    this.cluster = new Cluster(clusterOptions(beginning));
    for (const server of this.cluster.servers.values()) this.shown.set(server.id, row(server));
  }

  run(block: Block): string {
    this.out = [];
    for (const command of block.commands) {
      try {
        this.obey(command.split(" "));
      } catch (error) {
        throw new Error(`"${command}": ${(error as Error).message}`, { cause: error });
      }
    }
    this.tellReads();
    for (const server of this.cluster.servers.values()) {
      const text = row(server);
      if (this.shown.get(server.id) !== text) this.out.push(text);
      this.shown.set(server.id, text);
    }
    return this.out.length === 0 ? "nothing changes" : this.out.join("\n");
  }

  private tellReads(): void {
    const { reads } = this.cluster;
    for (const { ticket, kind } of reads.slice(this.readsTold)) {
      this.out.push(`read ${ticket} ${kind}`);
    }
    this.readsTold = reads.length;
  }

  private obey(words: readonly string[]): void {
    const [verb = "", ...rest] = words;
    if (this.packetCommand(verb, rest) === "obeyed") return;
    if (this.serverCommand(verb, rest) === "obeyed") return;
    const { cluster } = this;
    if (verb === "exchange") this.exchange(rest);
    else if (verb === "wait") cluster.wait(wholeNumber(rest[0]));
    else if (verb === "heal") cluster.cut.clear();
    else if (verb === "partition") {
      const groups = rest.join(" ").split(" | ");
      const numbers = groups.map((group) => group.split(" ").map(serverNumber));
      const named = numbers.flat().length === cluster.servers.size;
      if (!named) throw new Error("a partition names every server once");
      cluster.partition(numbers);
    } else if (verb === "release") {
      if (this.held.length === 0) throw new Error("nothing is held");
      cluster.pool.push(...this.held.splice(0));
    } else throw new Error("there is no such command");
  }

  private serverCommand(verb: string, rest: readonly string[]): "obeyed" | "other" {
    const { cluster } = this;
    const id = /^n\d+$/.test(rest[0] ?? "") ? serverNumber(rest[0]) : 0;
    const may = (fact: boolean, why: string): void => {
      if (!fact) throw new Error(why);
    };
    const leads = (): void => {
      may(cluster.server(id).live.role.kind === "leader", `n${id} does not lead`);
    };
    switch (id === 0 ? "" : verb) {
      case "timeout": {
        const { live } = cluster.server(id);
        may(live.role.kind !== "leader", "a leader has no election timeout");
        cluster.wait(Math.max(0, live.electionAt - cluster.now));
        cluster.lookAtClock(id);
        return "obeyed";
      }
      case "clock":
        cluster.lookAtClock(id);
        return "obeyed";
      case "beats":
        leads();
        for (let passed = 0; passed < wholeNumber(rest[1]); passed += defaultTiming.heartbeatMs) {
          cluster.wait(defaultTiming.heartbeatMs);
          cluster.lookAtClock(id);
          this.exchange([]);
        }
        return "obeyed";
      case "propose":
        for (let count = wholeNumber(rest[1] ?? "1"); count > 0; count--) {
          may(proposalRefusal(cluster.server(id).live) === null, "it takes no commands");
          cluster.propose(id);
        }
        return "obeyed";
      case "read":
        this.tickets += 1;
        return this.input(id, { kind: "read", ticket: this.tickets });
      case "transfer":
        leads();
        return this.input(id, { kind: "transfer", target: nodeId(serverNumber(rest[1])) });
      case "compact":
        cluster.compact(id, wholeNumber(rest[1]));
        return "obeyed";
      case "change":
        this.out.push(`change ${cluster.change(id, rest.slice(1).map(parseEdit))}`);
        return "obeyed";
      case "stall":
        leads();
        return this.input(id, { kind: "disk-stalled" });
      case "crash":
        cluster.crash(id);
        return "obeyed";
      case "restart":
        cluster.restart(id);
        return "obeyed";
      case "disk":
        may(rest[1] === "by-hand" || rest[1] === "at-once", "a disk works by-hand or at-once");
        cluster.diskModes.set(nodeId(id), rest[1] === "by-hand" ? "by-hand" : "at-once");
        return "obeyed";
      case "sync":
        cluster.sync(id);
        return "obeyed";
      default:
        return "other";
    }
  }

  private input(id: number, input: Input): "obeyed" {
    this.cluster.input(id, input);
    return "obeyed";
  }

  private packetCommand(verb: string, rest: readonly string[]): "obeyed" | "other" {
    const { cluster } = this;
    if (!["deliver", "lose", "twice", "late", "hold"].includes(verb)) return "other";
    const chosen = this.select(rest);
    if (chosen.length === 0) throw new Error("nothing of that kind is under way");
    for (const packet of verb === "late" ? chosen.reverse() : chosen) {
      if (verb === "lose") cluster.lose(packet);
      else if (verb === "hold") {
        cluster.lose(packet);
        this.held.push(packet);
      } else {
        this.out.push(messageText(packet.message));
        cluster.deliver(packet, verb === "twice" ? "another-follows" : "only");
      }
    }
    return "obeyed";
  }

  /** `n1 n2 vote?`, any part of which may be `*`. */
  private select([from = "*", to = "*", kind = "*"]: readonly string[]): Packet[] {
    return this.cluster.pool.filter(
      ({ message }) =>
        (from === "*" || message.from === serverNumber(from)) &&
        (to === "*" || message.to === serverNumber(to)) &&
        (kind === "*" || nameOf(message) === kind),
    );
  }

  private exchange(words: readonly string[]): void {
    const at = (word: string): number =>
      words.includes(word) ? words.indexOf(word) : words.length;
    const only = words.slice(at("only") + 1, at("show"));
    const shown = words.slice(at("show") + 1);
    const names = words.slice(0, Math.min(at("only"), at("show")));
    const among = names.length === 0 ? [...this.cluster.servers.keys()] : names.map(serverNumber);
    const matters = (packet: Packet): boolean => {
      const { from, to } = packet.message;
      if (!among.includes(from) || !among.includes(to)) return false;
      if (only.length > 0 && !only.includes(stem(packet))) return false;
      return this.cluster.canArrive(packet) === "yes";
    };
    for (let count = 0; count < exchangeMax; count++) {
      const packet = this.cluster.pool.find(matters);
      if (packet === undefined) return;
      const isShown =
        words.includes("show") && (shown.length === 0 || shown.includes(stem(packet)));
      if (isShown) this.out.push(messageText(packet.message));
      this.cluster.deliver(packet);
    }
    throw new Error("it never becomes quiet");
  }
}

const exchangeMax = 10_000;

/** `vote` for questions and answers alike. */
const stem = ({ message }: Packet): string => nameOf(message).slice(0, -1);
