/**
 * What a seed stands for: a cluster, its clients and its misfortunes, all drawn anew (swarm testing: most kinds of
 * fault are absent from most runs, because a fault that is always there hides what happens without it).
 */
import { between, type Random, seededRandom } from "../../base/random.ts";
import { limits } from "../../kv/command.ts";
import type { SessionLimits } from "../../kv/sessions.ts";
import type { PreVote, Timing } from "../../raft/state.ts";
import type { SnapshotSettings } from "../../replica/snapshot-file.ts";
import { fraction, happens, oneOf, weighted } from "../chance.ts";
import { calmWeather, type WeatherPlan } from "../weather.ts";
import { drawLeasePlan, type LeasePlan } from "./lease-draws.ts";

/** What goes wrong at some moment, again and again. How often: see `meanWait` in misfortunes. */
export const misfortuneKinds = [
  "partition",
  "one-way-cut",
  "message-filter",
  "client-cut",
  "clock-rate",
  "clock-jump",
  "pause",
  "kill",
  "power-cut",
  "boundary-cut",
  "disk-cut",
  "blackout",
  "slow-disk",
  "disk-stall",
  "sync-error",
  "disk-full",
  "rot",
  "lost-tail",
  "wipe",
  "swap",
  "spoilt-store",
  "hand-over",
  "client-restart",
  "clock-freeze",
  "members",
] as const;

export type MisfortuneKind = (typeof misfortuneKinds)[number];

export const weatherKinds = [
  "loss",
  "repeat",
  "delay",
  "heavy-tail",
  "clog",
  "fragments",
  "corrupt",
  "overflow",
] as const;

export type WeatherKind = (typeof weatherKinds)[number];
export type FaultKind = MisfortuneKind | WeatherKind;
export const faultKinds: readonly FaultKind[] = [...weatherKinds, ...misfortuneKinds];

export type Mix = {
  readonly put: number;
  readonly cas: number;
  readonly delete: number;
  readonly get: number;
  readonly stale: number;
  readonly logged: number;
  readonly list: number;
  readonly noop: number;
  readonly incr: number;
  readonly txn: number;
  readonly anywhere: number;
};

export type Plan = {
  readonly seed: number;
  /** The members that the cluster is made with. */
  readonly servers: number;
  /** Servers beside them, which may be let in. */
  readonly spares: number;
  /** How many turns of servers the faults last. */
  readonly steps: number;
  readonly timing: Timing;
  readonly preVote: PreVote;
  readonly secret: "set" | "not-set";
  readonly datagramBytesMax: number;
  readonly segmentBytesMax: number;
  readonly syncMs: number;
  readonly inboxMax: number;
  readonly weather: WeatherPlan;
  /** Occurrences per ten election timeouts; 0: never. */
  readonly misfortunes: Readonly<Record<MisfortuneKind, number>>;
  readonly clients: number;
  /** Requests that a client has open at once. */
  readonly width: number;
  readonly thinkMsMean: number;
  readonly withinMs: number;
  readonly keys: number;
  /** So tight in some seeds that sessions are forgotten all the time. */
  readonly sessionLimits: SessionLimits;
  readonly mix: Mix;
  /** Of the values, how many are larger than a datagram, and how large they are at most. */
  readonly bulk: number;
  readonly bulkBytesMax: number;
  readonly leases: LeasePlan;
  readonly snapshots: Partial<SnapshotSettings>;
  /** What servers do about a damaged journal. */
  readonly damage: "repair" | "refuse";
};

export type PlanChoices = {
  readonly steps?: number;
  /** Kinds of fault that are left out. */
  readonly without?: ReadonlySet<FaultKind>;
};

export const stepsDefault = 2000;

/** Of a clock that stands still, as good as: a minute of the world is a few milliseconds. */
export const frozenRate = 2 ** -14;
/** Of a clock that runs, however badly. */
export const rates = { min: 0.5, max: 2 } as const;

/** How much of the world's time may pass while a server's clock counts one. */
export function clockSpread({ misfortunes }: Plan): number {
  if (misfortunes["clock-freeze"] > 0) return 1 / frozenRate;
  return misfortunes["clock-rate"] > 0 ? 1 / rates.min : 1;
}

/** Members and spares. */
const serversMax = 9;

const timings: readonly Timing[] = [
  { heartbeatMs: 60, electionMsMin: 600, electionMsMax: 1200 },
  { heartbeatMs: 15, electionMsMin: 150, electionMsMax: 300 },
  { heartbeatMs: 100, electionMsMin: 1000, electionMsMax: 2000 },
  { heartbeatMs: 20, electionMsMin: 100, electionMsMax: 150 },
  { heartbeatMs: 50, electionMsMin: 150, electionMsMax: 200 },
];

export function drawPlan(seed: number, choices: PlanChoices = {}): Plan {
  const random = seededRandom(seed);
  const without = choices.without ?? new Set();
  const servers = weighted(random, [
    [1, 4],
    [2, 4],
    [3, 40],
    [4, 8],
    [5, 32],
    [6, 4],
    [7, 8],
  ]);
  const timing = oneOf(random, timings);
  const datagramBytesMax = weighted(random, [
    [1200, 60],
    [9000, 20],
    [60_000, 20],
  ]);
  const serverDraws = drawServer(random, timing);
  const clientDraws = drawClients(random, { datagramBytesMax, timing });
  const drawn = {
    ...{ seed, servers, timing, datagramBytesMax },
    ...serverDraws,
    ...clientDraws,
    steps: choices.steps ?? stepsDefault,
    snapshots: drawSnapshots(seed, clientDraws),
    damage: drawDamage(seed),
    inboxMax: drawInbox(random, without),
    weather: drawWeather(random, timing, without),
    misfortunes: drawMisfortunes(random, without),
    leases: drawLeasePlan(random),
  };
  return withMembers(drawn, 1 + random.below(4));
}

const withMembers = (plan: Omit<Plan, "spares">, spares: number): Plan => ({
  ...plan,
  spares: plan.misfortunes.members === 0 ? 0 : Math.min(spares, serversMax - plan.servers),
});
/** From a source of its own: what else a seed has is what it had before there were snapshots. */
function drawSnapshots(seed: number, { bulk }: Drawn<"bulk">): Partial<SnapshotSettings> {
  const random = seededRandom(seed + 2 ** 33);
  const everyEntries = weighted(random, [
    [3, 15],
    [8, 25],
    [25, 25],
    [80, 15],
    [2 ** 40, 20],
  ]);
  return {
    everyEntries,
    keptEntriesMax: oneOf(random, [0, 1, 4, 15]),
    blockBytes: oneOf(random, [1, 60, 1000, 1 << 15]),
    // A large store in small pieces would not be there before the run is over.
    pieceBytes: bulk > 0 ? 1 << 16 : oneOf(random, [40, 150, 600, 1 << 16]),
  };
}

/** From a source of its own as well. */
const drawDamage = (seed: number): Plan["damage"] =>
  seededRandom(seed + 2 ** 34).below(2) === 0 ? "refuse" : "repair";

type Drawn<Name extends keyof Plan> = Pick<Plan, Name>;
type Without = ReadonlySet<FaultKind>;

function drawServer(
  random: Random,
  timing: Timing,
): Drawn<"preVote" | "secret" | "segmentBytesMax" | "syncMs"> {
  return {
    preVote: random.below(4) === 0 ? "without-pre-vote" : "with-pre-vote",
    secret: random.below(8) === 0 ? "set" : "not-set",
    segmentBytesMax: oneOf(random, [4096, 4096, 16_384, 1 << 20]),
    // An election must be over before the next candidate is due, or there is never a leader.
    syncMs: oneOf(random, [0, 1, 5, (timing.electionMsMax - timing.electionMsMin) / 5]),
  };
}

function drawClients(
  random: Random,
  { datagramBytesMax, timing }: Pick<Plan, "datagramBytesMax" | "timing">,
): Drawn<
  | "clients"
  | "width"
  | "thinkMsMean"
  | "withinMs"
  | "keys"
  | "mix"
  | "bulk"
  | "bulkBytesMax"
  | "sessionLimits"
> {
  const clients = between(random, { min: 1, max: 5 });
  return {
    clients,
    width: oneOf(random, [1, 1, 2, 4, 8]),
    thinkMsMean: oneOf(random, [1, 10, 50, 200]),
    withinMs: oneOf(random, [500, 2000, 5000]),
    keys: between(random, { min: 1, max: 8 }),
    mix: {
      put: 2 + random.below(6),
      cas: random.below(6),
      delete: random.below(3),
      get: 1 + random.below(8),
      stale: random.below(3),
      logged: random.below(3),
      list: random.below(3),
      noop: random.below(2),
      incr: random.below(3),
      txn: random.below(5),
      anywhere: 1 + random.below(6),
    },
    bulk: random.below(3) === 0 ? fraction(random) * 0.2 : 0,
    bulkBytesMax: Math.min(3 * datagramBytesMax, 100_000),
    sessionLimits: drawSessions(random, clients, timing),
  };
}

/**
 * As many as there are clients, at least: fewer, and they would forget each other's for ever. The window is wide
 * enough for a client's successor, which cannot say what the session that it was left has acknowledged.
 */
function drawSessions(random: Random, clients: number, timing: Timing): SessionLimits {
  const tight = {
    sessionsMax: clients + 1 + random.below(3),
    sessionWindow: oneOf(random, [256, limits.sessionWindow]),
    sessionIdleMs: oneOf(random, [3, 8, 30]) * timing.electionMsMax,
  };
  return random.below(3) === 0 ? tight : limits;
}

/** The draw is made in any case, so that leaving one kind out changes no other. */
function amount(random: Random, presence: number, most: number): number {
  const is = happens(random, presence);
  const drawn = fraction(random) * most;
  return is === "yes" ? drawn : 0;
}

function drawInbox(random: Random, without: Without): number {
  const drawn = amount(random, 0.15, 1);
  return drawn === 0 || without.has("overflow")
    ? Number.POSITIVE_INFINITY
    : Math.ceil(4 + drawn * 60);
}

function drawWeather(random: Random, timing: Timing, without: Without): WeatherPlan {
  const lossMax = amount(random, 0.6, random.below(3) === 0 ? 0.8 : 0.3);
  const repeat = amount(random, 0.6, 0.4);
  const ancient = amount(random, 0.5, 0.2);
  const delay = amount(random, 0.7, timing.electionMsMin / 3);
  const tail = amount(random, 0.3, 0.02);
  const clog = amount(random, 0.3, 0.01);
  const clogMsMean = fraction(random) * 3 * timing.electionMsMax;
  const fragmentLoss = amount(random, 0.2, 0.1);
  const corrupt = amount(random, 0.4, 0.1);
  return {
    lossMax: without.has("loss") ? 0 : lossMax,
    repeat: without.has("repeat") ? 0 : repeat,
    ancient,
    delayMsMin: calmWeather.delayMsMin,
    delayMsMean: without.has("delay") ? 0 : delay,
    tail: without.has("heavy-tail") ? 0 : tail,
    clog: without.has("clog") ? 0 : clog,
    clogMsMean,
    fragmentLoss: without.has("fragments") ? 0 : fragmentLoss,
    corrupt: without.has("corrupt") ? 0 : corrupt,
  };
}

/** How likely a seed has the kind at all, and how often it then happens at most. */
const appetite: Readonly<Record<MisfortuneKind, readonly [presence: number, most: number]>> = {
  partition: [0.5, 6],
  "one-way-cut": [0.25, 6],
  "message-filter": [0.15, 5],
  "client-cut": [0.15, 4],
  "clock-rate": [0.3, 3],
  "clock-jump": [0.25, 5],
  pause: [0.35, 6],
  kill: [0.35, 6],
  "power-cut": [0.5, 8],
  "boundary-cut": [0.3, 6],
  "disk-cut": [0.3, 6],
  blackout: [0.2, 2],
  "slow-disk": [0.2, 3],
  "disk-stall": [0.2, 3],
  "sync-error": [0.2, 3],
  "disk-full": [0.2, 3],
  rot: [0.15, 2],
  "lost-tail": [0.15, 4],
  wipe: [0.15, 2],
  swap: [0.1, 2],
  "spoilt-store": [0.2, 3],
  "hand-over": [0.2, 5],
  "client-restart": [0.25, 4],
  "clock-freeze": [0.15, 3],
  members: [0.35, 50],
};

/**
 * Where members change, nobody but who changes them can say which servers may be lost: disks forget nothing there
 * besides, and the operator loses servers for good (operator.ts).
 */
const notBesideMembers: ReadonlySet<MisfortuneKind> = new Set(["rot", "lost-tail", "wipe"]);

function drawMisfortunes(random: Random, without: Without): Record<MisfortuneKind, number> {
  const drawn = misfortuneKinds.map((kind) => {
    const [presence, most] = appetite[kind];
    return [kind, amount(random, presence, most)] as const;
  });
  // What was drawn counts, so that leaving one kind out changes no other.
  const members = drawn.some(([kind, often]) => kind === "members" && often > 0);
  const kept = drawn.map(([kind, often]) => {
    const isOut = without.has(kind) || (members && notBesideMembers.has(kind));
    return [kind, isOut ? 0 : often] as const;
  });
  return Object.fromEntries(kept) as Record<MisfortuneKind, number>;
}

/** Whether some clock runs fast or slow, jumps, or stands still. */
export const hasCrookedClocks = ({ misfortunes }: Plan): boolean =>
  misfortunes["clock-rate"] > 0 || misfortunes["clock-jump"] > 0 || misfortunes["clock-freeze"] > 0;

/** The kinds of fault that this plan has. */
export function presentKinds(plan: Plan): readonly FaultKind[] {
  const { weather } = plan;
  const amounts: Record<WeatherKind, number> = {
    loss: weather.lossMax,
    repeat: weather.repeat,
    delay: weather.delayMsMean,
    "heavy-tail": weather.tail,
    clog: weather.clog,
    fragments: weather.fragmentLoss,
    corrupt: weather.corrupt,
    overflow: Number.isFinite(plan.inboxMax) ? 1 : 0,
  };
  return [
    ...weatherKinds.filter((kind) => amounts[kind] > 0),
    ...misfortuneKinds.filter((kind) => plan.misfortunes[kind] > 0),
  ];
}
