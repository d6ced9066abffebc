/**
 * Who may say what. Every group of datagrams has its own key: servers hold both, clients are given
 * the one derived for clients and can make no peer's tag with it. The tag proves that the sender
 * holds the key and that nothing was changed; it does not hide the contents, and a datagram that
 * was recorded can be sent again, which the protocol treats like any repeated datagram.
 *
 * A tag is the first 16 bytes of HMAC-SHA-256. A key is HMAC-SHA-256 of a label, under the
 * cluster's secret.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { assert } from "../base/assert.ts";
import { plain } from "./messagepack.ts";

/** null: no secret is set, and datagrams of the group carry no tag. */
export type Keys = { readonly peer: Uint8Array | null; readonly client: Uint8Array | null };

export const noKeys: Keys = { peer: null, client: null };

export const tagBytes = 16;

const labels = {
  peer: "rusty-boat peer key, version 1",
  client: "rusty-boat client key, version 1",
} as const;

/**
 * What the operator may hand to clients. The secret cannot be computed from it, nor a peer's tag.
 */
export const deriveClientKey = (secret: Uint8Array): Uint8Array => deriveKey(secret, labels.client);

/** What a server derives from its cluster's secret. */
export const deriveKeys = (secret: Uint8Array): Keys => ({
  peer: deriveKey(secret, labels.peer),
  client: deriveClientKey(secret),
});

export const tagOf = (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(bytes).digest().subarray(0, tagBytes);

/** Compares in a time that does not depend on how much of the tag is right. */
export const isTagOf = (key: Uint8Array, bytes: Uint8Array, tag: Uint8Array): boolean =>
  tag.length === tagBytes && timingSafeEqual(tagOf(key, bytes), tag);

function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  assert(secret.length > 0, "a secret has bytes");
  return plain(createHmac("sha256", secret).update(label).digest());
}
