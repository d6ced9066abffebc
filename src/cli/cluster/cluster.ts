/** `rusty-boat cluster`: a cluster on this machine, and what can be done to it. */
import { group } from "../command.ts";

export const clusterCommand = group({
  name: "cluster",
  description: "Run a cluster on this machine, look at it, and break it on purpose.",
  examples: [
    { line: "rusty-boat cluster up 5", does: "five nodes, until Ctrl-C" },
    { line: "rusty-boat cluster status", does: "who leads, from another terminal" },
    { line: "rusty-boat cluster kill 3", does: "as if node3 lost power" },
    { line: "rusty-boat cluster partition 1,2/3,4,5", does: "cut the network in two" },
    { line: "rusty-boat cluster replace 3", does: "a new node in the place of a lost one" },
    { line: "rusty-boat cluster down", does: "stop all, keep the data" },
  ],
  commands: {
    up: async () => (await import("./up.ts")).upCommand,
    status: async () => (await import("./status.ts")).statusCommand,
    watch: async () => (await import("./status.ts")).watchCommand,
    kill: async () => (await import("./act.ts")).nodeCommands.kill,
    stop: async () => (await import("./act.ts")).nodeCommands.stop,
    restart: async () => (await import("./act.ts")).nodeCommands.restart,
    pause: async () => (await import("./act.ts")).nodeCommands.pause,
    resume: async () => (await import("./act.ts")).nodeCommands.resume,
    partition: async () => (await import("./act.ts")).partitionCommand,
    heal: async () => (await import("./act.ts")).healCommand,
    logs: async () => (await import("./logs.ts")).logsCommand,
    recover: async () => (await import("./recover.ts")).recoverCommand,
    add: async () => (await import("./members.ts")).addCommand,
    replace: async () => (await import("./members.ts")).replaceCommand,
    remove: async () => (await import("./members.ts")).removeCommand,
    promote: async () => (await import("./members.ts")).promoteCommand,
    transfer: async () => (await import("./members.ts")).transferCommand,
    down: async () => (await import("./act.ts")).downCommand,
    "client-secret": async () => (await import("./client-secret.ts")).clientSecretCommand,
  },
});
