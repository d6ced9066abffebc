/** One replica on a pretended disk, with its peers and clients played by the test: what goes in, what comes out. */
import type { Address } from "../../src/base/address.ts";
import { assert, must } from "../../src/base/assert.ts";
import { later, millis, type NodeId, nodeId, term } from "../../src/base/numbers.ts";
import { seededRandom } from "../../src/base/random.ts";
import {
  type Administration,
  type AdministrationOutcome,
  decodeAdministrationResponse,
  encodeAdministrationRequest,
} from "../../src/codec/administration.ts";
import { type Keys, noKeys } from "../../src/codec/authentication.ts";
import type { ClientRequest, ClientResponse } from "../../src/codec/client-message.ts";
import { encodeCommand } from "../../src/codec/command.ts";
import { openDatagram, sealDatagram } from "../../src/codec/datagram.ts";
import { decodeMessage, encodeMessage } from "../../src/codec/message.ts";
import { encodeRequestBatch } from "../../src/codec/request-batch.ts";
import { decodeResponseBatch } from "../../src/codec/response-batch.ts";
import { decodeStoreHash, encodeStoreHash, type StoreHash } from "../../src/codec/store-hash.ts";
import {
  decodeWatchEnd,
  decodeWatchEvents,
  encodeWatchRequest,
  type WatchEnd,
  type WatchEvents,
  type WatchRequest,
} from "../../src/codec/watch.ts";
import type { DiskError } from "../../src/journal/disk.ts";
import { performDiskEffect } from "../../src/journal/effects.ts";
import { openJournal } from "../../src/journal/open.ts";
import type { Command } from "../../src/kv/command.ts";
import { nobodyYet } from "../../src/raft/membership.ts";
import type { Message } from "../../src/raft/message.ts";
import { defaultTiming } from "../../src/raft/state.ts";
import type { Effects, Input } from "../../src/replica/input.ts";
import { Replica } from "../../src/replica/replica.ts";
import { SimDisk } from "../../src/sim/disk.ts";

export const cluster = 0xc1;
export const clientAddress: Address = { host: "127.0.0.1", port: 30_000 };
export const addressOf = (id: number): Address => ({ host: "127.0.0.1", port: 7100 + id });
/** Peer i of the test has this incarnation. */
export const incarnationOf = (id: number): number => 1000 + id;

export type Said = {
  readonly messages: readonly Message[];
  readonly responses: readonly ClientResponse[];
  readonly outcomes: readonly AdministrationOutcome[];
  /** What watchers are told. */
  readonly batches: readonly WatchEvents[];
  readonly ends: readonly WatchEnd[];
};

export type LoneOptions = {
  readonly peers?: number;
  readonly keys?: Keys;
  readonly disk?: SimDisk;
  /** `strangers`: it has yet to meet its peers. */
  readonly acquaintance?: "met" | "strangers";
  /** It was told of nobody: it waits to be let in. */
  readonly joining?: "joining";
};

export class LoneReplica {
  readonly disk: SimDisk;
  readonly replica: Replica;
  readonly me: NodeId = nodeId(1);
  last: Effects | null = null;
  /** The hashes of its store that it said. */
  readonly hashes: ({ readonly to: NodeId } & StoreHash)[] = [];
  private now = millis(0);
  private readonly syncs: number[] = [];
  private readonly keys: Keys;

  constructor(options: LoneOptions = {}) {
    const { peers = 3, keys = noKeys } = options;
    this.keys = keys;
    this.disk =
      options.disk ??
      new SimDisk({ folder: "n1", onSyncStarted: (ticket) => this.syncs.push(ticket) });
    const ids = Array.from({ length: peers }, (_, at) => nodeId(at + 1));
    const { journal, recovered } = openJournal({
      disk: this.disk,
      node: this.me,
      cluster,
      create: {
        incarnation: 77,
        configuration:
          options.joining === "joining" ? nobodyYet : { voters: ids, outgoing: [], learners: [] },
      },
    });
    this.replica = new Replica({
      settings: {
        ...{ me: this.me, cluster, incarnation: 77, keys, datagramBytesMax: 60_000 },
        addresses: new Map(
          (options.joining === "joining" ? [this.me] : ids).map((id) => [id, addressOf(id)]),
        ),
        timing: defaultTiming,
        preVote: "with-pre-vote",
      },
      journal,
      recovered,
      random: seededRandom(5),
      now: this.now,
    });
    if (options.acquaintance !== "strangers" && options.joining === undefined) this.meet(ids);
  }

  /** Every peer has been heard of once, and the disk knows. */
  private meet(ids: readonly NodeId[]): void {
    for (const from of ids) {
      if (from === this.me) continue;
      const refusal = { from, to: this.me, term: term(0), answer: "stale-term" } as const;
      this.hear({ kind: "pre-vote-response", ...refusal });
    }
    this.finishSyncs();
  }

  /** Hands inputs over, carries the disk effects out, and decodes what the replica says. */
  give(...inputs: readonly Input[]): Said {
    const effects = this.replica.handle(this.now, inputs);
    this.last = effects;
    for (const effect of effects.disk) performDiskEffect(this.disk, effect);
    return this.decode(effects);
  }

  hear(message: Message): Said {
    return this.give(this.fromPeer(message));
  }

  hearHash(sender: NodeId, hash: StoreHash): Said {
    const parts = { kind: "store-hash", cluster, receiver: this.me, keys: this.keys } as const;
    const incarnation = incarnationOf(sender);
    const bytes = sealDatagram({ ...parts, sender, incarnation, body: encodeStoreHash(hash) });
    return this.give({ kind: "datagram", from: addressOf(sender), bytes });
  }

  fromPeer(message: Message, incarnation = incarnationOf(message.from)): Input {
    const { kind, body } = encodeMessage(message);
    const parts = { kind, body, cluster, incarnation, keys: this.keys };
    const bytes = sealDatagram({ ...parts, sender: message.from, receiver: message.to });
    return { kind: "datagram", from: addressOf(message.from), bytes };
  }

  ask(...requests: readonly ClientRequest[]): Said {
    return this.give(this.fromClient(...requests));
  }

  /** An operator's wish. */
  wish(wish: Administration): AdministrationOutcome {
    const parts = { cluster, incarnation: 9, sender: 0, receiver: 0, keys: this.keys } as const;
    const body = encodeAdministrationRequest({ id: 1, wish });
    const bytes = sealDatagram({ ...parts, kind: "administration-request", body });
    return must(
      this.give({ kind: "datagram", from: clientAddress, bytes }).outcomes[0],
      "a wish is answered at once",
    );
  }

  fromClient(...requests: readonly ClientRequest[]): Input {
    const parts = { cluster, incarnation: 9, sender: 0, receiver: 0, keys: this.keys } as const;
    const body = encodeRequestBatch(requests);
    const bytes = sealDatagram({ ...parts, kind: "request-batch", body });
    return { kind: "datagram", from: clientAddress, bytes };
  }

  watch(request: WatchRequest): Said {
    const parts = { cluster, incarnation: 9, sender: 0, receiver: 0, keys: this.keys } as const;
    const body = encodeWatchRequest(request);
    const bytes = sealDatagram({ ...parts, kind: "watch-request", body });
    return this.give({ kind: "datagram", from: clientAddress, bytes });
  }

  wait(ms: number): Said {
    this.now = later(this.now, ms);
    return this.give({ kind: "time" });
  }

  get syncsUnderWay(): number {
    return this.syncs.length;
  }

  /** The sync under way fails. */
  failSync(error: DiskError): Said {
    const ticket = must(this.syncs.shift(), "a sync is under way");
    return this.give({ kind: "synced", ticket, outcome: { kind: "failed", error } });
  }

  finishSyncs(): void {
    while (this.syncs.length > 0) this.finishSync();
  }

  /** The sync under way is over. */
  finishSync(): Said {
    const ticket = must(this.syncs.shift(), "a sync is under way");
    return this.give(this.disk.finishSync(ticket));
  }

  /** Lets it win an election for the next term, its disk never in the way. */
  lead(): void {
    this.wait(defaultTiming.electionMsMax);
    const { state } = this.replica;
    const term = (state.term + 1) as typeof state.term;
    const two = { from: nodeId(2), to: this.me, answer: "granted" } as const;
    this.hear({ kind: "pre-vote-response", ...two, term });
    this.finishSyncs();
    this.hear({ kind: "vote-response", ...two, term });
    this.finishSyncs();
    assert(state.role.kind === "leader", "the election is won");
  }

  private decode(effects: Effects): Said {
    const messages: Message[] = [];
    const responses: ClientResponse[] = [];
    const outcomes: AdministrationOutcome[] = [];
    const batches: WatchEvents[] = [];
    const ends: WatchEnd[] = [];
    for (const { to, bytes } of effects.datagrams) {
      const isClient = to.port === clientAddress.port;
      const me = isClient ? null : nodeId(to.port - 7100);
      const opened = openDatagram(bytes, { cluster, me, keys: this.keys });
      assert(opened.kind === "opened", "what a replica sends can be opened");
      const { header, body } = opened;
      if (me !== null && header.kind === "store-hash") {
        this.hashes.push({ to: me, ...must(decodeStoreHash(body), "a hash can be read") });
      } else if (me !== null) {
        const message = decodeMessage(header.kind, body, { from: this.me, to: me });
        messages.push(must(message, "what a replica says to a peer is a message"));
      } else if (header.kind === "response-batch") {
        responses.push(...must(decodeResponseBatch(body), "an answer is a batch of answers"));
      } else if (header.kind === "administration-response") {
        outcomes.push(must(decodeAdministrationResponse(body), "an outcome is one").outcome);
      } else if (header.kind === "watch-events") {
        batches.push(must(decodeWatchEvents(body), "what watchers are told can be read"));
      } else if (header.kind === "watch-end") {
        ends.push(must(decodeWatchEnd(body), "how a watch ends can be read"));
      }
    }
    return { messages, responses, outcomes, batches, ends };
  }
}

export const write = (id: number, command: Command): ClientRequest => ({
  id,
  body: { kind: "write", command: encodeCommand(command) },
});
