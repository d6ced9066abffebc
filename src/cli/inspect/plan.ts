/** From flags to one thing to do, or an error that says which flags do not go together. */
import { byteString, utf8 } from "../../base/bytes.ts";
import { limits } from "../../base/numbers.ts";
import { read } from "../../sexp/read.ts";
import { countFlag } from "../flag.ts";
import { badValue } from "../mistakes.ts";
import { nearest } from "../suggest.ts";
import { flagsDisagree } from "./errors.ts";
import type { ListPlan } from "./list.ts";
import { isKind, type Kind, kindNames, type Selection } from "./select.ts";
import type { StatePlan } from "./state.ts";

export type Texts = {
  readonly verify?: boolean | undefined;
  readonly summary?: boolean | undefined;
  readonly follow?: boolean | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly term?: string | undefined;
  readonly kind?: string | undefined;
  readonly key?: string | undefined;
  readonly at?: string | undefined;
  readonly diff?: string | undefined;
  readonly "repair-copy"?: string | undefined;
};

export type Plan =
  | { readonly kind: "verify" }
  | { readonly kind: "summary" }
  | { readonly kind: "diff"; readonly other: string }
  | { readonly kind: "repair"; readonly out: string }
  | ({ readonly kind: "state" } & StatePlan)
  | ({ readonly kind: "follow" } & ListPlan)
  | ({ readonly kind: "list" } & ListPlan);

type Flag = keyof Texts;

/** Each of these answers a question of its own. */
const questions: readonly Flag[] = ["verify", "summary", "at", "diff", "repair-copy"];
const selectors: readonly Flag[] = ["follow", "from", "to", "term", "kind", "key"];

export function readPlan(texts: Texts): Plan {
  const isGiven = (flag: Flag): boolean => texts[flag] !== undefined && texts[flag] !== false;
  const [question, second] = questions.filter(isGiven);
  if (question !== undefined) checkAlone(question, second, selectors.filter(isGiven));
  if (texts.verify === true) return { kind: "verify" };
  if (texts.summary === true) return { kind: "summary" };
  if (texts.diff !== undefined) return { kind: "diff", other: texts.diff };
  if (texts["repair-copy"] !== undefined) return { kind: "repair", out: texts["repair-copy"] };
  const key = texts.key === undefined ? null : readKey(texts.key);
  if (texts.at !== undefined) return { kind: "state", index: indexFlag("--at", texts.at, 0), key };
  const selection = readSelection(texts);
  return { kind: texts.follow === true ? "follow" : "list", selection, key };
}

function checkAlone(question: Flag, second: Flag | undefined, selected: readonly Flag[]): void {
  if (second !== undefined) {
    throw flagsDisagree([`--${question}`, `--${second}`], "each of them asks for another answer");
  }
  const surplus = selected.find((flag) => !(question === "at" && flag === "key"));
  if (surplus !== undefined) {
    const why = `--${surplus} chooses from the list of records, and --${question} prints none`;
    throw flagsDisagree([`--${question}`, `--${surplus}`], why);
  }
}

function readSelection(texts: Texts): Selection {
  const from = texts.from === undefined ? null : indexFlag("--from", texts.from, 1);
  const to = texts.to === undefined ? null : indexFlag("--to", texts.to, 1);
  if (from !== null && to !== null && from > to) {
    const expected = `an index that is not below --from ${from}`;
    throw badValue({ source: "--to", value: `${to}`, expected, example: `--to ${from}` });
  }
  const term = texts.term === undefined ? null : indexFlag("--term", texts.term, 0);
  return { from, to, term, kinds: texts.kind === undefined ? null : readKinds(texts.kind) };
}

const indexFlag = (source: string, value: string, min: number): number =>
  countFlag({ source, value }, { min, max: limits.counterMax });

function readKinds(text: string): ReadonlySet<Kind> {
  const kinds = new Set<Kind>();
  for (const name of text.split(",").map((part) => part.trim())) {
    if (!isKind(name)) {
      const example = `--kind ${nearest(name, kindNames) ?? "entry"}`;
      const expected = `some of ${kindNames.join(", ")}, with commas between them`;
      throw badValue({ source: "--kind", value: name, expected, example });
    }
    kinds.add(name);
  }
  return kinds;
}

/** Text; or bytes as inspect prints them: `#x"00ff"`. */
function readKey(text: string): string {
  if (!text.startsWith('#x"')) return byteString(utf8(text));
  try {
    const value = read(text);
    if (value.kind === "bytes") return byteString(value.bytes);
  } catch {
    // Said below, with an example.
  }
  throw badValue({
    source: "--key",
    value: text,
    expected: 'a key, or bytes like #x"00ff"',
    example: "--key '#x\"00ff\"'",
  });
}
