/** The system's own randomness, for identities and timeouts. */
import { randomInt } from "node:crypto";
import { limits } from "../base/numbers.ts";
import { type Random, seededRandom } from "../base/random.ts";

/** Chance that nobody can foretell, from a seed that nobody chose. */
export const systemRandom = (): Random => seededRandom(randomInt(0, limits.counterMax));

/** A number below 2^48 that nothing else has: a cluster id, an incarnation. Never 0. */
export const uniqueNumber = (): number => randomInt(1, limits.counterMax);
