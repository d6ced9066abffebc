/**
 * The file that holds a cluster's secret: one line, `peer:` and 64 hex digits for nodes, `client:`
 * and 64 hex digits for clients. The client's is derived from the peers', so it can never make a
 * Raft message; the word before the colon keeps the two from being mixed up.
 */
import { readFileSync, statSync } from "node:fs";
import { bytesOfHex, hex } from "../base/bytes.ts";
import { OperatorError } from "../base/error.ts";
import { deriveClientKey } from "../codec/authentication.ts";

export type Secret = { readonly kind: "peer" | "client"; readonly bytes: Uint8Array };

export const limits = { secretBytes: 32, secretFileBytesMax: 4096 } as const;

export const formatSecret = (secret: Secret): string => `${secret.kind}:${hex(secret.bytes)}`;

export function parseSecret(text: string): Secret | null {
  const match = /^(peer|client):([0-9a-f]{64})$/i.exec(text.trim());
  const bytes = match === null ? null : bytesOfHex(match[2] ?? "");
  if (match === null || bytes === null) return null;
  return { kind: match[1]?.toLowerCase() === "peer" ? "peer" : "client", bytes };
}

/** What a client speaks with: the derived key, from either file. */
export function clientKeyOf(secret: Secret): Uint8Array {
  return secret.kind === "client" ? secret.bytes : deriveClientKey(secret.bytes);
}

/** The nodes' own secret. A client's file is refused: nodes could not vote with it. */
export function readPeerSecret(path: string): Uint8Array {
  const secret = readSecret(path);
  if (secret.kind === "peer") return secret.bytes;
  throw new OperatorError({
    code: "wrong-secret",
    what: `${path} holds a client's secret`,
    why: "a node needs the peers' secret; the client's is derived from it and cannot replace it",
    fix: ["give --secret-file the file whose line begins with peer:"],
    exit: 2,
  });
}

export function readSecret(path: string): Secret {
  const secret = parseSecret(readSmallFile(path));
  if (secret !== null) return secret;
  throw new OperatorError({
    code: "bad-secret",
    what: `${path} is not a secret file`,
    why: "it must be one line: peer: or client:, and 64 hex digits",
    fix: ['(printf peer:; od -An -tx1 -N32 /dev/urandom | tr -d " \\n"; echo) > secret'],
    exit: 2,
  });
}

function readSmallFile(path: string): string {
  try {
    return statSync(path).size > limits.secretFileBytesMax ? "" : readFileSync(path, "utf8");
  } catch (error) {
    throw new OperatorError({
      code: "secret-unreadable",
      what: `the secret file ${path} cannot be read`,
      why: error instanceof Error ? error.message : String(error),
      fix: ["check the path given to --secret-file and who may read it"],
      exit: 7,
    });
  }
}
