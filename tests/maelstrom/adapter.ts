/**
 * A node for Maelstrom's lin-kv workload: `bun tests/maelstrom/adapter.ts [FOLDER]`. Lines of JSON on stdin and
 * stdout, nothing else on stdout; what the node has to tell is on stderr. Its journal is in the folder, or in a
 * temporary one that is removed at the end. The end is that of stdin.
 *
 *   maelstrom test -w lin-kv --bin <a script that runs this file> --node-count 3 --concurrency 4n --rate 30 \
 *     --time-limit 60 --nemesis partition --nemesis-interval 10
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MaelstromNode } from "./node.ts";
import { errorBody, errorCodes, type JsonObject, type Message, readMessage } from "./protocol.ts";

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), "rusty-boat-maelstrom-"));

let node: MaelstromNode | null = null;

const note = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};

const say = (message: Message): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

function onLine(line: string): void {
  if (line.trim() === "") return;
  const message = readMessage(line);
  if (message === null) return note(`not a message: ${line.slice(0, 200)}`);
  const { src, dest, body } = message;
  if (body["type"] === "init") return onInit(message);
  if (node !== null) return node.hear(src, body);
  // Whoever is earlier than `init` hears nothing if it is a peer, and that nothing was done if it asks.
  const id = body["msg_id"];
  if (id === undefined) return;
  const answer = errorBody(errorCodes.temporarilyUnavailable, "the node has no name yet");
  say({ src: dest, dest: src, body: { ...answer, in_reply_to: id } });
}

function onInit({ src, dest, body }: Message): void {
  const { node_id: name, node_ids: names, msg_id: id } = body;
  const reply = (answer: JsonObject): void =>
    say({ src: dest, dest: src, body: { ...answer, in_reply_to: id ?? null } });
  const isNamed = typeof name === "string" && Array.isArray(names) && names.includes(name);
  if (!isNamed || node !== null) {
    return reply(errorBody(errorCodes.malformedRequest, "a node is named once, among the others"));
  }
  node = new MaelstromNode({
    name,
    names: names.map(String),
    folder,
    send: (to, sent) => say({ src: name, dest: to, body: sent }),
    note: (sentence) => note(`${name}: ${sentence}`),
    stopped(error) {
      note(`${name} has stopped: ${error instanceof Error ? error.message : String(error)}`);
      end(1);
    },
  });
  reply({ type: "init_ok" });
}

function end(code: number): never {
  node?.stop();
  if (given === undefined) rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

const decoder = new TextDecoder();
let rest = "";
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) onLine(line);
}
end(0);
