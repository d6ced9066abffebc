/** Runs the program in this process, with streams that are lists of what was written. */
import type { Command } from "../../../src/cli/command.ts";
import { command, group } from "../../../src/cli/command.ts";
import { run } from "../../../src/cli/run.ts";
import { form } from "../../../src/sexp/value.ts";

export type Ran = { readonly exit: number; readonly stdout: string; readonly stderr: string };

export type Around = {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly stdout?: "terminal" | "pipe";
  readonly stderr?: "terminal" | "pipe";
};

export async function runWords(
  root: Command,
  words: readonly string[],
  around: Around = {},
): Promise<Ran> {
  const stdout = new Written();
  const stderr = new Written();
  const exit = await run(root, {
    words,
    environment: around.environment ?? {},
    stdin: "pipe",
    stdout: { sink: stdout, kind: around.stdout ?? "pipe" },
    stderr: { sink: stderr, kind: around.stderr ?? "pipe" },
  });
  return { exit, stdout: stdout.text, stderr: stderr.text };
}

export class Written {
  text = "";
  write(bytes: string | Uint8Array): void {
    this.text += typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  }
  flush(): void {}
}

/**
 * A tree with the shapes that were hard: two positionals, a rest, switches, an enum, a default
 * command.
 */
export const probeTree = group({
  name: "rusty-boat",
  description: "Probe.",
  examples: [],
  commands: {
    client: async () =>
      group({
        name: "client",
        description: "Speaks.",
        examples: [{ line: "rusty-boat client put k v", does: "writes" }],
        defaultCommand: "prompt",
        commands: { put: async () => put, lock: async () => lock, prompt: async () => prompt },
      }),
    tools: async () =>
      group({
        name: "tools",
        description: "More.",
        examples: [],
        commands: { put: async () => put },
      }),
  },
});

const put = command({
  name: "put",
  description: "Writes a key.",
  examples: [{ line: "rusty-boat client put color blue", does: "writes blue" }],
  args: {
    key: { type: "positional", required: true },
    value: { type: "positional", required: true },
    ttl: { type: "string", valueHint: "duration", alias: "t", description: "Time to live" },
    "if-absent": { type: "boolean", description: "Only when new" },
    mode: { type: "enum", options: ["fast", "safe"], default: "safe", description: "How" },
  },
  async run({ args, program }) {
    const { key, value, ttl, mode, data } = args;
    const seen = { key, value, ttl: ttl ?? null, absent: args["if-absent"] ?? null, mode, data };
    await program.output.result({
      text: () => JSON.stringify(seen),
      json: () => seen,
      sexpr: () => form("put", key, value),
    });
    return 0;
  },
});

const lock = command({
  name: "lock",
  description: "Runs a command.",
  examples: [],
  args: { name: { type: "positional", required: true } },
  rest: { name: "command", description: "What to run", least: 1 },
  async run({ args, rest, program }) {
    await program.output.line(JSON.stringify({ name: args.name, rest }));
    return 0;
  },
});

const prompt = command({
  name: "prompt",
  description: "Reads lines.",
  examples: [],
  args: {},
  async run({ program }) {
    await program.output.line("prompt ran");
    return 0;
  },
});
