/** `rusty-boat client`: read and write the store. Without a verb it is a prompt. */
import { type Command, group } from "../command.ts";
import { clientArgs, commandLine, type Place } from "./place.ts";

export type Verbs = Readonly<Record<string, () => Promise<Command>>>;

/** The verbs that ask for one thing; the same at the prompt. */
export const verbsAt = (place: Place): Verbs => ({
  put: async () => (await import("./write-verbs.ts")).putCommand(place),
  get: async () => (await import("./read-verbs.ts")).getCommand(place),
  del: async () => (await import("./write-verbs.ts")).deleteCommand(place),
  cas: async () => (await import("./write-verbs.ts")).casCommand(place),
  incr: async () => (await import("./count-verbs.ts")).incrCommand(place),
  mput: async () => (await import("./count-verbs.ts")).mputCommand(place),
  txn: async () => (await import("./count-verbs.ts")).txnCommand(place),
  ls: async () => (await import("./list-verb.ts")).listCommand(place),
  export: async () => (await import("./export-verb.ts")).exportCommand(place),
  import: async () => (await import("./import-verb.ts")).importCommand(place),
  history: async () => (await import("./key-history.ts")).historyCommand(place),
  lease: async () => (await import("./lease-verbs.ts")).leaseGroup(place),
  outcome: async () => (await import("./outcome.ts")).outcomeCommand(place),
  status: async () => (await import("./status.ts")).statusCommand(place),
});

/**
 * Its flags may stand before the verb, and without a verb they are the prompt's. Every verb knows
 * them.
 */
export const clientGroup = (place: Place): Command => ({
  ...group({
    name: "client",
    description: "Read and write the store. Without a command it is a prompt.",
    examples: [
      { line: "rusty-boat client put color blue", does: "writes, and says where in the log" },
      { line: "rusty-boat client get color", does: "the value alone" },
      { line: "rusty-boat client ls co --values", does: "keys that begin with co" },
      { line: "rusty-boat client watch co", does: "their changes, as they happen" },
      { line: "rusty-boat client lock deploy -- make", does: "runs it while nobody else does" },
      { line: "rusty-boat client", does: "a prompt; .help lists what it takes" },
      { line: "echo 'get color' | rusty-boat client", does: "a command a line, from a pipe" },
      { line: "rusty-boat client bench --seconds 10", does: "how fast it is" },
    ],
    defaultCommand: "prompt",
    commands: {
      ...verbsAt(place),
      watch: async () => (await import("./watch.ts")).watchCommand(place),
      lock: async () => (await import("./lock-verbs.ts")).lockCommand(place),
      elect: async () => (await import("./lock-verbs.ts")).electCommand(place),
      bench: async () => (await import("./bench.ts")).benchCommand(place),
      prompt: async () => (await import("./prompt.ts")).promptCommand(place),
    },
  }),
  args: clientArgs,
});

export const clientCommand = clientGroup(commandLine);
