/**
 * Watching a prefix, as bodies of datagrams. A request says all there is to say each time: a node that has forgotten
 * its watcher, or never knew it, goes on where the request says.
 *
 * watch-request, a MessagePack array: id, next, room, prefix
 *    everything before entry `next` has arrived; so many bytes of events have room
 * watch-events, a MessagePack array: id, from, to, head, age or nil, then of each event an array
 *    index, key, value or nil (deleted)
 *    all changes of the prefix in the entries from `from` to `to`, which may be none, and `to` may be `from` - 1;
 *    `head` is the last entry this node could tell of, and everything that was committed `age` milliseconds before is
 *    up to it; nil: it cannot tell
 * watch-end, a MessagePack array: id, why, first
 *    why: 0 compacted (the first entry that can be told of), 1 busy (0)
 * watch-cancel, a MessagePack array: id
 *
 * Keys and values are binary. Valid when the fields are exactly these; numbers whole and below 2^48, `next` and `from`
 * 1 or more; keys and values within the limits of kv/command.ts; the indexes of events lie from `from` to `to` and do
 * not fall; and `to` is not above `head` where there are any.
 */
import { type LogIndex, logIndex } from "../base/numbers.ts";
import { limits } from "../kv/command.ts";
import {
  binaryField,
  choiceOf,
  elementsOf,
  type Field,
  headBytesMax,
  isBytes,
  isCount,
  packFields,
  textField,
} from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

/** Client -> node: tell me of everything from here on. It also acknowledges, and keeps the watch alive. */
export type WatchRequest = {
  readonly id: number;
  readonly next: LogIndex;
  /** Bytes of events that the client can take now. */
  readonly room: number;
  readonly prefix: string;
};

/** `value` null: deleted. */
export type WatchEvent = {
  readonly index: LogIndex;
  readonly key: string;
  readonly value: Uint8Array | null;
};

/** Node -> client: this is all that happened from `from` to `to`. */
export type WatchEvents = {
  readonly id: number;
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly head: LogIndex;
  readonly ageMs: number | null;
  readonly events: readonly WatchEvent[];
};

/** Node -> client: nothing more comes from here. */
export type WatchEnd = {
  readonly id: number;
  readonly because: "compacted" | "busy";
  /** The first entry that this node can tell of, where it is compacted. */
  readonly first: LogIndex;
};

const reasons = ["compacted", "busy"] as const;

/** What surrounds the events, at most. */
export const watchHeadBytesMax = headBytesMax.array + 5 * headBytesMax.number;

/** Bytes of one event in a body, at most. */
export const eventBytesMax = ({ key, value }: Pick<WatchEvent, "key" | "value">): number =>
  headBytesMax.array +
  headBytesMax.number +
  2 * headBytesMax.binary +
  key.length +
  (value?.length ?? 0);

export const encodeWatchRequest = ({ id, next, room, prefix }: WatchRequest): Uint8Array =>
  packFields([id, next, room, binaryField(prefix)]);

export const encodeWatchCancel = ({ id }: { readonly id: number }): Uint8Array => packFields([id]);

export const encodeWatchEnd = ({ id, because, first }: WatchEnd): Uint8Array =>
  packFields([id, reasons.indexOf(because), first]);

export function encodeWatchEvents(batch: WatchEvents): Uint8Array {
  const { id, from, to, head, ageMs } = batch;
  const fields: Field[] = [id, from, to, head, ageMs];
  for (const { index, key, value } of batch.events) fields.push([index, binaryField(key), value]);
  return packFields(fields);
}

/** The request, or null where the body is none. Never throws; keeps nothing of `body`. So do the others. */
export function decodeWatchRequest(body: Uint8Array): WatchRequest | null {
  const fields = unpackFields(body);
  if (fields?.length !== 4) return null;
  const [id, next, room] = fields;
  const prefix = textField(fields[3], limits.keyBytesMax);
  if (!isCount(id) || !isCount(next) || next === 0 || !isCount(room) || prefix === null)
    return null;
  return { id, next, room, prefix };
}

export function decodeWatchCancel(body: Uint8Array): { readonly id: number } | null {
  const fields = unpackFields(body);
  const id = fields?.[0];
  return fields?.length === 1 && isCount(id) ? { id } : null;
}

export function decodeWatchEnd(body: Uint8Array): WatchEnd | null {
  const fields = unpackFields(body);
  if (fields?.length !== 3) return null;
  const [id, why, first] = fields;
  const because = choiceOf(reasons, why);
  if (!isCount(id) || because === null || !isCount(first)) return null;
  return { id, because, first };
}

export function decodeWatchEvents(body: Uint8Array): WatchEvents | null {
  const fields = unpackFields(body);
  if (fields === null || fields.length < 5) return null;
  const [id, from, to, head, ageMs] = fields;
  if (!isCount(id) || !isCount(from) || !isCount(to) || !isCount(head)) return null;
  if (from === 0 || to < from - 1) return null;
  if (ageMs !== null && !isCount(ageMs)) return null;
  if (to >= from && to > head) return null;
  const events: WatchEvent[] = [];
  let last: LogIndex = from;
  for (const field of fields.slice(5)) {
    const event = readEvent(field);
    if (event === null || event.index < last || event.index > to) return null;
    last = event.index;
    events.push(event);
  }
  return { id, from, to, head, ageMs, events };
}

function readEvent(field: unknown): WatchEvent | null {
  const fields = elementsOf(field);
  if (fields?.length !== 3) return null;
  const [index, , value] = fields;
  const key = textField(fields[1], limits.keyBytesMax);
  if (!isCount(index) || key === null || key === "") return null;
  if (value === null) return { index, key, value: null };
  if (!isBytes(value) || value.length > limits.valueBytesMax) return null;
  return { index: logIndex(index), key, value };
}
