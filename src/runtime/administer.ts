/**
 * Asks a cluster for other members or another leader, again and again until it is so, makes no sense, or took too long:
 * follows the leader, and decides anew where what was seen has passed (codec/administration.ts).
 */
import type { Address } from "../base/address.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import type { LogIndex, NodeId, Term } from "../base/numbers.ts";
import {
  type Administration,
  type AdministrationOutcome,
  type AdministrationRefusal,
  decodeAdministrationResponse,
  encodeAdministrationRequest,
  type Waiting,
} from "../codec/administration.ts";
import type { Edit } from "../raft/edits.ts";
import { exchange } from "./ask.ts";

export type OperatorWish =
  | { readonly kind: "change"; readonly edits: readonly Edit[] }
  | { readonly kind: "transfer"; readonly target: NodeId };

export type Administered =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly because: AdministrationRefusal }
  /** Not done in time. What it waited for last; null: no leader was found. */
  | { readonly kind: "timed-out"; readonly because: Waiting | null };

export type AdministerParts = {
  readonly wish: OperatorWish;
  /** Any of the cluster's nodes. Asked again each time: there may be others by then. */
  readonly nodes: () => readonly Address[];
  readonly clusterId: number;
  readonly clientKey: Uint8Array | null;
  readonly timeoutMs: number;
  readonly onWaiting?: (because: Waiting) => void;
};

const pace = { answerMs: 300, againMs: 50 } as const;

export async function administer(parts: AdministerParts): Promise<Administered> {
  const deadline = performance.now() + parts.timeoutMs;
  let leader: Address | null = null;
  let turn = 0;
  let seen: Seen = { since: null, term: null };
  let because: Waiting | null = null;
  while (performance.now() < deadline) {
    const nodes = parts.nodes();
    const target: Address | undefined = leader ?? nodes[turn % nodes.length];
    const outcome = target === undefined ? null : await askOnce(target, parts, seen);
    switch (outcome?.kind) {
      case "done":
        return { kind: "done" };
      case "refused":
        return { kind: "refused", because: outcome.because };
      case "outdated":
        seen = outcome;
        continue;
      case "waiting":
        leader = target ?? null;
        because = outcome.because;
        parts.onWaiting?.(because);
        break;
      case "not-leader":
        leader = otherThan(target, outcome.address);
        turn += 1;
        break;
      default:
        leader = null;
        turn += 1;
    }
    await Bun.sleep(pace.againMs);
  }
  return { kind: "timed-out", because };
}

type Seen = { readonly since: LogIndex | null; readonly term: Term | null };

/** Who names itself, or nobody, has not helped. */
function otherThan(asked: Address | undefined, named: string | null): Address | null {
  if (named === null || (asked !== undefined && formatAddress(asked) === named)) return null;
  return parseAddress(named);
}

async function askOnce(
  to: Address,
  { wish, clusterId, clientKey }: AdministerParts,
  seen: Seen,
): Promise<AdministrationOutcome | null> {
  const asked: Administration =
    wish.kind === "change" ? { ...wish, seen: seen.since } : { ...wish, seen: seen.term };
  const answer = await exchange(to, {
    ...{ clusterId, clientKey, timeoutMs: pace.answerMs },
    request: "administration-request",
    response: "administration-response",
    encode: (id) => encodeAdministrationRequest({ id, wish: asked }),
    decode: decodeAdministrationResponse,
  });
  return answer.kind === "answered" ? answer.response.outcome : null;
}
