/** How old a stale answer may be, as it is shown: for programs beside the answer, for people on their terminal. */
import type { Age } from "../../client/request.ts";
import { form, type SexpInput, word } from "../../sexp/value.ts";
import type { Messages } from "../output.ts";
import { formatDuration } from "../quantity.ts";

/** `"maxAgeMs":35`; null where nobody knows. Nothing where the answer is linearizable. */
export const ageJson = (age: Age | undefined): object =>
  age === undefined ? {} : { maxAgeMs: age.kind === "at-most" ? age.ms : null };

export const ageSexps = (age: Age | undefined): readonly SexpInput[] =>
  age === undefined ? [] : [form("max-age-ms", age.kind === "at-most" ? age.ms : word("unknown"))];

export async function noteAge(messages: Messages, age: Age | undefined): Promise<void> {
  if (age === undefined || messages.stream !== "terminal") return;
  await messages.line(
    age.kind === "at-most"
      ? `stale: what was written more than ${formatDuration(age.ms)} before the answer is in it`
      : "stale: the node has had no word from a leader since it started, and cannot tell how old this is",
  );
}

/** Of two parts of one answer, what holds for both. */
export function olderOf(one: Age | undefined, other: Age | undefined): Age | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.kind === "unknown" || other.kind === "unknown") return { kind: "unknown" };
  return one.ms > other.ms ? one : other;
}
