/**
 * `rusty-boat client` alone. On a terminal a prompt, that errors do not end; from a pipe a list of
 * commands, of which the first that fails is the last. Either way one session serves all lines.
 */
import { exits } from "../../base/error.ts";
import { type Command, type CommandExit, command } from "../command.ts";
import { Commands } from "./commands.ts";
import { clientArgs, connected, type Place, timeoutFlag } from "./place.ts";
import { runScript } from "./script.ts";

export const promptCommand = (place: Place): Command =>
  command({
    name: "prompt",
    description: "Take commands line by line; what client does without a command.",
    args: clientArgs,
    examples: [
      { line: "rusty-boat client", does: "on a terminal: history, completion, .help" },
      { line: "rusty-boat client < commands.txt", does: "stops at the first failure" },
      { line: `echo '(Set "color" "blue")' | rusty-boat client`, does: "s-expressions too" },
    ],
    async run({ args, program }): Promise<CommandExit> {
      timeoutFlag(args.timeout);
      return connected(place, args, async (connection) => {
        const { timeout } = args;
        const common = { target: args, valueEnd: "newline", stdin: null } as const;
        if (program.stdin === "terminal") {
          const { runTerminal } = await import("./terminal.ts");
          return runTerminal({ connection, program, timeout, place: { ...place, ...common } });
        }
        // Lines share the connection, so none of them closes it.
        const connect = async () => ({ ...connection, close: () => undefined });
        const shared = { ...place, ...common, connect };
        const commands = new Commands({ program, place: shared, timeout });
        if (place.stdin === null) return exits.done;
        return runScript({ commands, connection, program, parts: place.stdin.parts() });
      });
    },
  });
