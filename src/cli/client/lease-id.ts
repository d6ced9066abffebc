/** A lease's number, as people type it. */
import { isWireCounter } from "../../base/numbers.ts";
import type { LeaseId } from "../../kv/command.ts";
import { badValue } from "../mistakes.ts";
import { parseCount } from "../quantity.ts";

export function leaseIdOf(source: string, text: string): LeaseId {
  const lease = parseCount(text);
  if (isWireCounter(lease) && lease > 0) return lease;
  throw badValue({
    source,
    value: text,
    expected: "a lease's number, as lease grant printed it",
    example: source.startsWith("--") ? `${source} 42` : "rusty-boat client lease revoke 42",
  });
}
