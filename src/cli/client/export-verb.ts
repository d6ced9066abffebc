/**
 * `client export`: all keys as of one index, as JSON lines. It is a list of many pages (list-verb.ts), and so as of
 * the moment of the first one; the node keeps what changes meanwhile, within bounds, and says when it cannot.
 */
import { exits, OperatorError } from "../../base/error.ts";
import { logIndex, limits as numberLimits } from "../../base/numbers.ts";
import { type ListOperation, wholeList } from "../../kv/command.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { countFlag } from "../flag.ts";
import { firstLine, keyLine, lastLine } from "./export-lines.ts";
import { type Listing, pagesOf } from "./list-verb.ts";
import { counted } from "./notation.ts";
import { checkOperation, type Scene } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { wordKey } from "./value-source.ts";

export const exportCommand = (place: Place): Command =>
  command({
    name: "export",
    description: "Print all keys and values as of one index, as JSON lines.",
    args: {
      prefix: { type: "positional", required: false, description: "Only keys that begin so" },
      from: { type: "string", valueHint: "key", description: "Only keys from this one on" },
      to: { type: "string", valueHint: "key", description: "Only keys below this one" },
      at: {
        type: "string",
        valueHint: "index",
        description: "As of this index, where the node still keeps it; now unless said",
      },
      stale: {
        type: "boolean",
        description: "Answered by any node from what it has; also where there is no leader",
      },
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client export > backup.jsonl", does: "everything" },
      { line: "rusty-boat client export user/ | jq -r .key", does: "what begins so" },
      { line: "rusty-boat client export --stale > rescue.jsonl", does: "without a quorum" },
    ],
    async run({ args, program }) {
      const timeoutMs = timeoutFlag(args.timeout);
      const operation: ListOperation = {
        ...wholeList,
        prefix: wordKey(args.prefix ?? ""),
        from: wordKey(args.from ?? ""),
        to: wordKey(args.to ?? ""),
        show: "values",
        revision:
          args.at === undefined ? { kind: "hold" } : { kind: "at", index: indexFlag(args.at) },
      };
      checkOperation(operation);
      const consistency = args.stale === true ? "stale" : "linearizable";
      const listing: Listing = {
        ...{ operation, wanted: { consistency }, timeoutMs },
        keys: Number.POSITIVE_INFINITY,
      };
      return connected(place, args, (connection) =>
        exportAll({ place, connection, program }, listing),
      );
    },
  });

const indexFlag = (value: string) =>
  logIndex(countFlag({ source: "--at", value }, { min: 0, max: numberLimits.counterMax }));

async function exportAll(scene: Scene, listing: Listing): Promise<CommandExit> {
  const { output, messages } = scene.program;
  let keys = 0;
  let index: number | null = null;
  for await (const turn of pagesOf(scene, listing)) {
    if (turn.kind === "interrupted") return turn.exit;
    if (turn.kind === "lost") throw notKept(listing, { index: turn.reply.index, keys });
    if (index === null) {
      index = turn.page.index ?? 0;
      await output.line(firstLine(listing.operation.prefix, index));
    }
    for (const item of turn.page.items) await output.line(keyLine(item));
    keys += turn.page.items.length;
  }
  await output.line(lastLine(keys));
  await output.flush();
  if (messages.stream === "terminal" && output.stream !== "terminal") {
    await messages.line(`exported ${counted(keys, "key")} as of index ${index}`);
  }
  return exits.done;
}

/** Nothing was printed yet, or the end is missing, which import sees. */
function notKept(
  { operation }: Listing,
  { index, keys }: { readonly index: number; readonly keys: number },
): OperatorError {
  const asked = operation.revision.kind === "at" && keys === 0;
  return new OperatorError({
    code: "view-lost",
    what: asked ? `index ${index} cannot be exported` : `the export ended after ${keys} keys`,
    why: asked
      ? "a node keeps the newest index, and older ones only while a list of just these keys is read"
      : `the node that keeps index ${index} does so no more: too much changed, or another one leads`,
    fix: [
      asked ? "leave out --at, for now" : "export again; or in parts: a prefix, --from, --to",
      `a node's file has every index that its log reaches back to: rusty-boat inspect FILE --at ${index}`,
    ],
    exit: exits.no,
    applied: "no",
    meaning:
      keys === 0 ? "nothing was exported" : "what was printed is not all: its last line is missing",
  });
}
