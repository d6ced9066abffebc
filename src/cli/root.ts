/**
 * The root of the command tree. Subcommands are loaded when they are needed: `--version` loads
 * none.
 */
import { group } from "./command.ts";

export const rootCommand = group({
  name: "rusty-boat",
  description: "A replicated key-value store on Raft whose every state can be read by a person.",
  examples: [
    { line: "rusty-boat cluster up 5", does: "five nodes on this machine" },
    {
      line: "rusty-boat client put color blue",
      does: "write a key, and read it: client get color",
    },
    { line: "rusty-boat cluster status", does: "who leads, who is reachable" },
    { line: "rusty-boat cluster kill 3", does: "see the others go on" },
  ],
  commands: {
    client: async () => (await import("./client/client.ts")).clientCommand,
    cluster: async () => (await import("./cluster/cluster.ts")).clusterCommand,
    node: async () => (await import("./node.ts")).nodeCommand,
    inspect: async () => (await import("./inspect/inspect.ts")).inspectCommand,
  },
});
