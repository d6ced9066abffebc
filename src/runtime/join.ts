/**
 * A node's part in its own membership. One that was told to join asks to be let in, and for its vote once it has caught
 * up. Any node that was started again says where it is now, if the others may have it elsewhere.
 *
 * Who was a member once and is none any more does not ask again: it was removed, whatever its flags say.
 */
import type { Address } from "../base/address.ts";
import { formatAddress, sameAddress } from "../base/address.ts";
import { exits, OperatorError } from "../base/error.ts";
import type { AdministrationRefusal } from "../codec/administration.ts";
import type { JournalRecovered } from "../journal/open.ts";
import type { Edit } from "../raft/edits.ts";
import { isVoter, members } from "../raft/membership.ts";
import type { Place } from "../raft/types.ts";
import type { Replica } from "../replica/replica.ts";
import { type Administered, administer } from "./administer.ts";
import { askStatus } from "./ask.ts";
import type { Joining, NodeConfig } from "./node-config.ts";
import type { NodeLog } from "./node-log.ts";

const patience = { discoverMs: 30_000, answerMs: 500, roundMs: 5_000, moveMs: 30_000 } as const;

export type JoinParts = {
  readonly config: NodeConfig;
  readonly clientKey: Uint8Array | null;
  readonly address: Address;
  readonly recovered: JournalRecovered;
  readonly replica: Replica;
  readonly log: NodeLog;
  /** The node ends. */
  readonly signal: AbortSignal;
};

/** Resolves when there is nothing left to ask. Rejects with what the operator must know. */
export async function settleMembership(parts: JoinParts): Promise<void> {
  const { config, recovered, log } = parts;
  const { join } = config;
  const isNew = recovered.entries.length === 0 && recovered.base.index === 0;
  if (join === null || !isNew) await tellWhere(parts);
  if (join === null) return;
  if (isNew) {
    log.info(`n${config.id} asks ${join.via.map(formatAddress).join(", ")} to be let in`);
    const answer = await untilAnswered(parts, [{ kind: "add", place: placeOf(parts) }]);
    if (answer?.kind === "refused") throw notLetIn(config, answer.because);
  }
  if (join.as === "voter") await askForVote(parts, join);
}

async function askForVote(parts: JoinParts, { replaces }: Joining): Promise<void> {
  const { config, log } = parts;
  const { id } = config;
  const edits: Edit[] = [{ kind: "promote", id }];
  if (replaces !== null) edits.push({ kind: "remove", id: replaces });
  const answer = await untilAnswered(parts, edits);
  if (answer?.kind === "done") {
    const gone = replaces === null ? "" : `, and n${replaces} is no member any more`;
    log.info(`n${id} has a vote${gone}`);
  } else if (answer?.kind === "refused") {
    log.warn(`n${id} gets no vote: ${reasons[answer.because]}`);
  }
}

/** A member that is reached elsewhere than its cluster believes would be lost to it. */
async function tellWhere(parts: JoinParts): Promise<void> {
  const { config, recovered, replica, log, address } = parts;
  if (recovered.origin === "created") return;
  const { current } = replica.state.membership;
  const place = current.places?.find(({ id }) => id === config.id);
  if (place?.address != null && sameAddress(place.address, address)) return;
  if (members(current).length < 2 || !members(current).includes(config.id)) return;
  const answer = await ask(parts, [{ kind: "move", place: placeOf(parts) }], patience.moveMs);
  if (answer.kind === "refused") {
    log.warn(
      `n${config.id} is not reached at ${formatAddress(address)}: ${reasons[answer.because]}`,
    );
  }
}

/** Asks for as long as the node runs; null where it ended. */
async function untilAnswered(
  parts: JoinParts,
  edits: readonly Edit[],
): Promise<Exclude<Administered, { kind: "timed-out" }> | null> {
  let told = "";
  while (!parts.signal.aborted) {
    const answer = await ask(parts, edits, patience.roundMs);
    if (answer.kind !== "timed-out") return answer;
    const why = answer.because ?? "no leader is found";
    if (why !== told) parts.log.info(`n${parts.config.id} waits: ${why}`);
    told = why;
  }
  return null;
}

function ask(parts: JoinParts, edits: readonly Edit[], timeoutMs: number): Promise<Administered> {
  const { config, clientKey, replica } = parts;
  return administer({
    wish: { kind: "change", edits },
    nodes: () => others(parts),
    clusterId: replica.cluster,
    clientKey,
    timeoutMs,
  }).then((answer) => {
    // What its own log says counts as an answer, too: the leader's may have been lost.
    const isPromoted = edits.length === 1 && edits[0]?.kind === "promote" && hasVote(parts);
    return answer.kind === "timed-out" && isPromoted && config.join !== null
      ? { kind: "done" as const }
      : answer;
  });
}

const hasVote = ({ config, replica }: JoinParts): boolean => {
  const { current, since } = replica.state.membership;
  return isVoter(current, config.id) && since <= replica.state.commit;
};

/** Whom to ask: those it was told of, and those that its log has. */
function others({ config, replica, address }: JoinParts): readonly Address[] {
  const known = members(replica.state.membership.current).flatMap(
    (id) => replica.memberPlace(id)?.address ?? [],
  );
  const told = [...(config.join?.via ?? []), ...config.peers.values()];
  return [...known, ...told].filter((one) => !sameAddress(one, address));
}

const placeOf = ({ config, address, recovered }: JoinParts): Place => ({
  id: config.id,
  address,
  incarnation: recovered.identity.incarnation,
});

export const reasons: Readonly<Record<AdministrationRefusal, string>> = {
  "unknown-member": "the cluster has no such member",
  "other-incarnation": "the cluster has a member of that number, with another folder",
  "address-taken": "another member is reached at that address",
  "last-voter": "nobody would be left to decide",
  "too-many-members": "the cluster has as many members as it can have",
  "not-a-voter": "it has no vote",
  "no-successor": "no other voter answers",
};

function notLetIn({ id, dataFolder }: NodeConfig, because: AdministrationRefusal): OperatorError {
  return new OperatorError({
    code: "not-let-in",
    what: `node ${id} was not let in`,
    why: reasons[because],
    fix: [
      "choose a number that no member has or had: --id N",
      `a member that lost its folder is replaced by a new one: --id N --replaces ${id}`,
      `remove ${dataFolder} if nothing else is in it: this node has begun an empty journal there`,
    ],
    exit: exits.local,
  });
}

/** The id of the cluster that answers there. */
export async function discoverCluster(
  via: readonly Address[],
  clientKey: Uint8Array | null,
): Promise<number> {
  const deadline = performance.now() + patience.discoverMs;
  while (performance.now() < deadline) {
    const timeoutMs = patience.answerMs;
    for (const answer of await askStatus({ nodes: via, clusterId: 0, clientKey, timeoutMs })) {
      if (answer.kind === "answered" && (answer.cluster ?? 0) !== 0) return answer.cluster ?? 0;
    }
    await Bun.sleep(patience.answerMs);
  }
  throw new OperatorError({
    code: "no-cluster",
    what: "the cluster to join does not answer",
    why: `asked ${via.map(formatAddress).join(", ")} for ${patience.discoverMs / 1000} s`,
    fix: ["give --join nodes that run", "and the cluster's own --secret-file, if it has one"],
    exit: exits.unreachable,
  });
}
