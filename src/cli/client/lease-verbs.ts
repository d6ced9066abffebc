/** `client lease grant`, `revoke`, `keep-alive`, `ls`: keys that go when nobody keeps them alive. */
import { must } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import { type LeaseId, type LeaseItem, limits, type Operation } from "../../kv/command.ts";
import { type Command, type CommandExit, command, group } from "../command.ts";
import { durationFlag } from "../flag.ts";
import { leaseIdOf } from "./lease-id.ts";
import { showLeases } from "./lease-shown.ts";
import { nameOf } from "./notation.ts";
import { checkOperation, perform, type Scene, settle } from "./operate.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { refusedReply } from "./refusal.ts";
import { againOf, requestIdArg } from "./write-verbs.ts";

export const leaseGroup = (place: Place): Command => ({
  ...group({
    name: "lease",
    description: "Leases: keys that go when nobody keeps them alive.",
    examples: [
      { line: "rusty-boat client lease grant 30s", does: "prints its number" },
      { line: "rusty-boat client put color blue --lease 42", does: "the key goes with lease 42" },
      { line: "rusty-boat client lease keep-alive 42", does: "its whole time again" },
      { line: "rusty-boat client lease revoke 42", does: "it ends now, and its keys with it" },
      { line: "rusty-boat client lease ls", does: "which there are, and what is left of them" },
    ],
    commands: {
      grant: async () => grantCommand(place),
      revoke: async () => leaseCommand(place, "lease-revoke"),
      "keep-alive": async () => leaseCommand(place, "lease-keep-alive"),
      ls: async () => listCommand(place),
    },
  }),
  args: clientArgs,
});

const grantCommand = (place: Place): Command =>
  command({
    name: "grant",
    description: "Begin a lease that ends after a span, unless it is kept alive.",
    args: {
      span: { type: "positional", required: true, description: "How long it lasts, like 30s" },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [
      { line: "rusty-boat client lease grant 30s", does: "" },
      { line: "rusty-boat client lease grant 30s --json | jq .lease", does: "for scripts" },
    ],
    async run({ args, program }) {
      const ttlMs = durationFlag({ source: "SPAN", value: args.span });
      const operation = { kind: "lease-grant", ttlMs } as const;
      checkOperation(operation);
      const line = { verb: "lease grant", plain: [args.span], flags: [] } as const;
      return write({ place, args, program }, operation, line);
    },
  });

const texts = {
  "lease-revoke": {
    name: "revoke",
    description: "End a lease now; its keys go with it. Exit 1 where there is none.",
    example: "rusty-boat client lease revoke 42",
  },
  "lease-keep-alive": {
    name: "keep-alive",
    description: "Give a lease its whole time again, from now on. Exit 1 where there is none.",
    example: "rusty-boat client lease keep-alive 42",
  },
} as const;

const leaseCommand = (place: Place, kind: keyof typeof texts): Command =>
  command({
    name: texts[kind].name,
    description: texts[kind].description,
    args: {
      lease: { type: "positional", required: true, description: "Its number" },
      "request-id": requestIdArg,
      ...clientArgs,
    },
    examples: [{ line: texts[kind].example, does: "" }],
    async run({ args, program }) {
      const operation = { kind, lease: leaseIdOf("LEASE", args.lease) } as const;
      const line = { verb: `lease ${texts[kind].name}`, plain: [args.lease], flags: [] } as const;
      return write({ place, args, program }, operation, line);
    },
  });

type Call = {
  readonly place: Place;
  readonly args: Parameters<Place["connect"]>[0] & {
    readonly timeout: string;
    readonly "request-id"?: string | undefined;
  };
  readonly program: Scene["program"];
};

async function write(
  { place, args, program }: Call,
  operation: Operation,
  line: { readonly verb: string; readonly plain: readonly string[]; readonly flags: readonly [] },
): Promise<CommandExit> {
  const again = againOf(args["request-id"]);
  const timeoutMs = timeoutFlag(args.timeout);
  const name = nameOf(operation);
  const question = { name, operation, consistency: "linearizable", again, timeoutMs } as const;
  return connected(place, args, (connection) =>
    perform({ place, connection, program }, { ...question, line }),
  );
}

const listCommand = (place: Place): Command =>
  command({
    name: "ls",
    description: "List the leases there are, the oldest first.",
    args: clientArgs,
    examples: [{ line: "rusty-boat client lease ls", does: "" }],
    async run({ args, program }) {
      const timeoutMs = timeoutFlag(args.timeout);
      return connected(place, args, (connection) =>
        listAll({ place, connection, program }, timeoutMs),
      );
    },
  });

/** Page by page, as `ls` does; one object is printed when it is whole. */
async function listAll(scene: Scene, timeoutMs: number): Promise<CommandExit> {
  const collected: LeaseItem[] = [];
  let after: LeaseId = 0;
  for (;;) {
    const operation = { kind: "leases", after, limit: limits.listKeysMax } as const;
    const name = nameOf(operation);
    const question = { name, operation, consistency: "linearizable", again: null } as const;
    const task = { ...question, timeoutMs, line: null };
    const settled = await settle(scene, task);
    if (settled.kind === "interrupted") return settled.exit;
    const { reply } = settled;
    if (reply.kind !== "leases-listed") {
      throw refusedReply({ ...task, connection: scene.connection, retry: null }, null, reply);
    }
    for (const item of reply.items) collected.push(item);
    if (reply.more === "end") {
      await showLeases(scene, { ...reply, items: collected });
      return exits.done;
    }
    after = must(reply.items.at(-1), "a page that more follows has a lease").lease;
  }
}
