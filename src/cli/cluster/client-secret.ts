/**
 * `cluster client-secret`: the file to hand to clients, derived from the one that only nodes may
 * have.
 */
import { exits } from "../../base/error.ts";
import { clientKeyOf, formatSecret, readSecret } from "../../runtime/secret.ts";
import { form } from "../../sexp/value.ts";
import { command } from "../command.ts";

export const clientSecretCommand = command({
  name: "client-secret",
  description:
    "Print the secret for clients, made from the nodes' secret; nobody can go back from it.",
  args: {
    "secret-file": {
      type: "string",
      required: true,
      valueHint: "file",
      description: "The nodes' secret: one line, peer: and 64 hex digits",
    },
  },
  examples: [
    {
      line: "rusty-boat cluster client-secret --secret-file secret > client-secret",
      does: "clients can then read and write, and never vote",
    },
  ],
  async run({ args, program }) {
    const bytes = clientKeyOf(readSecret(args["secret-file"]));
    const text = formatSecret({ kind: "client", bytes });
    await program.output.result({
      text: () => text,
      json: () => ({ secret: text }),
      sexpr: () => form("secret", text),
    });
    return exits.done;
  },
});
