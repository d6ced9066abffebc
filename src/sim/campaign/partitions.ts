/** Shapes that a network can fall into. Each is a rule that stops datagrams between some ends, one way or both. */
import { unreachable } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import type { DatagramKind } from "../../codec/kinds.ts";
import { oneOf, someOf } from "../chance.ts";
import type { LinkRule } from "../weather.ts";

export const shapes = ["split", "isolate-one", "isolate-leader", "bridge", "ring"] as const;
export type Shape = (typeof shapes)[number];

type Servers = {
  /** The servers' addresses. */
  readonly all: readonly string[];
  readonly leaders: readonly string[];
};

/** A partition both ways, or null where the shape needs more servers. */
export function partition(shape: Shape, servers: Servers, random: Random): LinkRule | null {
  const { all, leaders } = servers;
  if (all.length < 2) return null;
  switch (shape) {
    case "split":
      return between(someOf(random, all, 1 + random.below(all.length - 1)), all);
    case "isolate-one":
      return between([oneOf(random, all)], all);
    case "isolate-leader":
      return leaders.length === 0 ? null : between(leaders, all);
    case "bridge":
      return all.length < 3 ? null : bridge(all, random);
    case "ring":
      return all.length < 4 ? null : ring(all);
    default:
      return unreachable(shape);
  }
}

/** Two halves, and one server that hears both. */
function bridge(all: readonly string[], random: Random): LinkRule {
  const middle = oneOf(random, all);
  const rest = all.filter((one) => one !== middle);
  const half = someOf(random, rest, Math.ceil(rest.length / 2));
  return between(half, rest);
}

/** Everybody hears only its neighbours: there are majorities, and no two servers see the same one. */
function ring(all: readonly string[]): LinkRule {
  const places = new Map(all.map((one, at) => [one, at]));
  return ({ from, to }) => {
    const a = places.get(from);
    const b = places.get(to);
    if (a === undefined || b === undefined) return "pass";
    const apart = Math.abs(a - b);
    return apart <= 1 || apart === all.length - 1 ? "pass" : "stop";
  };
}

/** Nothing between the group and the others of `all`, either way. */
function between(group: readonly string[], all: readonly string[]): LinkRule {
  const inside = new Set(group);
  const known = new Set(all);
  return ({ from, to }) =>
    known.has(from) && known.has(to) && inside.has(from) !== inside.has(to) ? "stop" : "pass";
}

/** Nothing from these to those; the other way is free. */
export function oneWay(from: readonly string[], to: readonly string[]): LinkRule {
  const senders = new Set(from);
  const receivers = new Set(to);
  return (link) => (senders.has(link.from) && receivers.has(link.to) ? "stop" : "pass");
}

/** Nothing of this kind from one to the others. */
export function filtered(kind: DatagramKind, from: string): LinkRule {
  return (link, linkKind) => (link.from === from && linkKind === kind ? "stop" : "pass");
}
