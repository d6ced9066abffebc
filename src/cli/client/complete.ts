/** What the Tab key offers: verbs, and keys that the cluster has. */
import { byteString, bytesOfByteString, textOf, utf8 } from "../../base/bytes.ts";
import { wholeList } from "../../kv/command.ts";
import { ask, type Cluster } from "./place.ts";

/** What can stand at the end of a line. */
export type Wanted =
  | { readonly kind: "verb"; readonly begun: string }
  /** `before` and `after` stand around the key. */
  | {
      readonly kind: "key";
      readonly begun: string;
      readonly before: string;
      readonly after: string;
    }
  | { readonly kind: "nothing" };

const verbs = [
  "put",
  "get",
  "del",
  "cas",
  "incr",
  "mput",
  "txn",
  "ls",
  "history",
  "export",
  "import",
  "lease",
  "outcome",
  "status",
  ".help",
  ".exit",
];
const verbsWithKey = /^(put|get|del|cas|incr|mput|ls|history)$/;
const operations = [
  ...["put", "get", "delete", "cas", "list", "incr", "if", "do", "noop"],
  ...["Set", "Get", "Delete", "Noop"],
];

const limits = { keysMax: 50, waitMs: 300 } as const;

export function wantedAt(line: string): Wanted {
  const verb = /^\s*(\(?[^\s("']*)$/.exec(line);
  if (verb !== null) return { kind: "verb", begun: verb[1] ?? "" };
  const word = /^\s*(\S+)\s+([^\s"'-][^\s"']*|)$/.exec(line);
  if (word !== null && verbsWithKey.test(word[1] ?? "")) {
    return { kind: "key", begun: word[2] ?? "", before: "", after: " " };
  }
  const quoted = /^\s*\(\s*\w+\s+(?:\.\s+)?"([^"\\]*)$/.exec(line);
  if (quoted === null) return { kind: "nothing" };
  return { kind: "key", begun: quoted[1] ?? "", before: '"', after: '"' };
}

/**
 * Candidates, and the end of the line that they take the place of. Whatever goes wrong, there are
 * none.
 */
export async function completions(
  line: string,
  cluster: Cluster,
): Promise<readonly [candidates: string[], begun: string]> {
  const wanted = wantedAt(line);
  switch (wanted.kind) {
    case "nothing":
      return [[], line];
    case "verb": {
      const { begun } = wanted;
      const known = begun.startsWith("(") ? operations.map((name) => `(${name}`) : verbs;
      return [known.filter((name) => name.startsWith(begun)).map((name) => `${name} `), begun];
    }
    case "key": {
      const { begun, before, after } = wanted;
      const keys = (await keysWith(begun, cluster)).filter(isSimple);
      return [keys.map((key) => `${before}${key}${after}`), `${before}${begun}`];
    }
  }
}

/** Linearizable: who has just written a key expects to be offered it. */
async function keysWith(begun: string, cluster: Cluster): Promise<readonly string[]> {
  const prefix = byteString(utf8(begun));
  const result = await ask(cluster, {
    operation: { ...wholeList, prefix, limit: limits.keysMax },
    consistency: "linearizable",
    again: null,
    timeoutMs: limits.waitMs,
  });
  if (result.kind !== "committed" || result.reply.kind !== "listed") return [];
  return result.reply.items.flatMap(({ key }) => textOf(bytesOfByteString(key)) ?? []);
}

/** Whether a key can be typed as it is. */
const isSimple = (key: string): boolean => /^[^\s"'\\\p{Cc}-][^\s"'\\\p{Cc}]*$/u.test(key);
