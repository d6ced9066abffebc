/** `client status`: what `cluster status` shows, by the client's flags. No leader is needed. */
import { exits } from "../../base/error.ts";
import { askCluster, refuseWithoutQuorum } from "../cluster/status.ts";
import { statusResult } from "../cluster/status-view.ts";
import { type Command, command } from "../command.ts";
import { readTarget, targetArgs } from "../target.ts";
import { type Place, timeoutFlag } from "./place.ts";

export const statusCommand = (place: Place): Command =>
  command({
    name: "status",
    description: "Show how each node is. Exit 4 without a quorum, 3 where nobody answers.",
    args: {
      ...targetArgs,
      timeout: {
        type: "string",
        valueHint: "duration",
        default: "500ms",
        description: "How long a node may take to answer",
      },
    },
    examples: [{ line: "rusty-boat client status", does: "every node is asked itself" }],
    async run({ args, program }) {
      const target = readTarget(place.target ?? args);
      const status = await askCluster(target, timeoutFlag(args.timeout), place.askStatus);
      const { clusterId } = target;
      await program.output.result(statusResult({ status, clusterId, paint: program.output.paint }));
      refuseWithoutQuorum(status, target);
      return exits.done;
    },
  });
