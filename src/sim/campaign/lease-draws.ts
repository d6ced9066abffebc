/** Leases as clients of the simulator ask for them, and how much of it a seed has. */
import { byteString, utf8 } from "../../base/bytes.ts";
import { between, type Random } from "../../base/random.ts";
import type { LeaseId, Operation, Reply } from "../../kv/command.ts";
import { fraction, happens, oneOf } from "../chance.ts";

export type LeasePlan = {
  /** Of what clients do, so many in a hundred is about leases. */
  readonly percent: number;
  /** Spans are drawn up to this. */
  readonly ttlMsMax: number;
  /** Locks that are contended for, by so many; 0: none. */
  readonly locks: number;
  readonly contenders: number;
  readonly lockTtlMs: number;
};

export function drawLeasePlan(random: Random): LeasePlan {
  const has = happens(random, 0.5);
  const percent = between(random, { min: 5, max: 40 });
  const contended = happens(random, 0.5);
  const contenders = between(random, { min: 2, max: 5 });
  const plan = {
    ttlMsMax: oneOf(random, [400, 2000, 10_000]),
    locks: oneOf(random, [1, 1, 2]),
    lockTtlMs: oneOf(random, [800, 1500, 3000]),
  };
  return {
    ...plan,
    percent: has === "yes" ? percent : 0,
    contenders: contended === "yes" ? contenders : 0,
  };
}

/** Keys with leases are few, so that they are written again, with others and with none. */
const leasedKeys = 4;
export const leasedKey = (random: Random): string =>
  byteString(utf8(`leased-${random.below(leasedKeys)}`));

/** Leases that clients have heard of, the newest last. */
export class KnownLeases {
  private readonly ids: LeaseId[] = [];

  learn(operation: Operation, reply: Reply): void {
    if (reply.kind === "lease-granted") this.add(reply.lease);
    const isOwn = operation.kind === "put-leased" && operation.tenure.kind === "own";
    if (isOwn && reply.kind === "written") this.add(reply.index);
  }

  draw(random: Random): LeaseId {
    return this.ids.length === 0 ? 1 : oneOf(random, this.ids);
  }

  private add(id: LeaseId): void {
    this.ids.push(id);
    if (this.ids.length > 12) this.ids.shift();
  }
}

export function drawLeaseOperation(parts: {
  random: Random;
  plan: LeasePlan;
  known: KnownLeases;
  value: () => Uint8Array;
}): Operation {
  const { random, plan, known, value } = parts;
  const ttlMs = 100 + Math.floor(fraction(random) * (plan.ttlMsMax - 100));
  const lease = known.draw(random);
  const key = leasedKey(random);
  switch (random.below(12)) {
    case 0:
    case 1:
      return { kind: "lease-grant", ttlMs };
    case 2:
      return { kind: "lease-revoke", lease };
    case 3:
    case 4:
    case 5:
      return { kind: "lease-keep-alive", lease };
    case 6:
      return { kind: "leases", after: random.below(2) * lease, limit: 1 + random.below(20) };
    case 7:
      return { kind: "put", key, value: value(), condition: { kind: "always" } };
    case 8:
      return { kind: "get", key };
    default: {
      const tenure = oneOf(random, [
        { kind: "own", ttlMs },
        { kind: "granted", lease },
      ] as const);
      const condition = { kind: oneOf(random, ["always", "always", "absent"] as const) };
      return { kind: "put-leased", key, value: value(), condition, tenure };
    }
  }
}
