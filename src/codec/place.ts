/** Where members of a configuration are, as bytes: PLACE of entry.ts. */
import { assert } from "../base/assert.ts";
import { byteString, bytesOfByteString } from "../base/bytes.ts";
import { readU16, readU48, writeU16, writeU48 } from "../base/integers.ts";
import { isNodeId, limits } from "../base/numbers.ts";
import type { Place } from "../raft/types.ts";

const headBytes = 11;
const hostBytesMax = 255;
/** What parseAddress takes for a host; the brackets of IPv6 are not part of it. */
const hostForm = /^[^\s[\]]+$/;

export function placesBytes(places: readonly Place[]): number {
  let bytes = 0;
  for (const { address } of places) bytes += headBytes + (address?.host.length ?? 0);
  return bytes;
}

/** Whether these can be written: what comes from an operator is asked before it goes into a log. */
export const isWritableHost = (host: string): boolean =>
  host.length <= hostBytesMax && /^[!-~]+$/.test(host) && hostForm.test(host);

/** Writes the places and returns the offset after them. */
export function writePlaces(places: readonly Place[], target: Uint8Array, offset: number): number {
  let at = offset;
  for (const { id, address, incarnation } of places) {
    assert(incarnation !== 0, "an incarnation is 1 or more");
    assert((incarnation ?? 0) <= limits.counterMax, "an incarnation fits six bytes");
    assert(address === null || isWritableHost(address.host), "a host is short and printable");
    writeU16(target, at, id);
    writeU48(target, at + 2, incarnation ?? 0);
    writeU16(target, at + 8, address?.port ?? 0);
    target[at + 10] = address?.host.length ?? 0;
    if (address !== null) target.set(bytesOfByteString(address.host), at + headBytes);
    at += headBytes + (address?.host.length ?? 0);
  }
  return at;
}

/** The places that fill the bytes from `offset` to `end` exactly, or null. */
export function readPlaces(bytes: Uint8Array, offset: number, end: number): Place[] | null {
  const places: Place[] = [];
  let before = 0;
  for (let at = offset; at < end; ) {
    if (at + headBytes > end) return null;
    const id = readU16(bytes, at);
    const next = at + headBytes + bytes[at + 10]!;
    if (!isNodeId(id) || id <= before || next > end) return null;
    const port = readU16(bytes, at + 8);
    const host = byteString(bytes.subarray(at + headBytes, next));
    if (port === 0 ? host !== "" : !isWritableHost(host)) return null;
    const incarnation = readU48(bytes, at + 2);
    places.push({
      id,
      address: port === 0 ? null : { host, port },
      incarnation: incarnation === 0 ? null : incarnation,
    });
    before = id;
    at = next;
  }
  return places;
}
