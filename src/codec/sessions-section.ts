/**
 * The sessions of a store in a snapshot, with the replies that they remember.
 *
 * SESSIONS BLOCK (kind 17), item after item; sessions in the order of their last use, the longest unused one first
 *    u8 1  a session: u48 its name, u48 cluster time of its last use, u48 acknowledged
 *    u8 2  a reply of the session before it, in this block or an earlier one:
 *          u48 sequence, u32 length, REPLY (reply.ts); by ascending sequence
 *
 * Valid when the items fill the block exactly, a reply follows a session, its sequence comes once and lies within the
 * window that begins with `acknowledged`, no session comes twice, and the time of use does not fall along them.
 */
import { readU32, readU48, writeU32, writeU48 } from "../base/integers.ts";
import { millis } from "../base/numbers.ts";
import type { Reply } from "../kv/command.ts";
import { beginSessionView, nextSession, type SessionPicture } from "../kv/session-view.ts";
import type { Session, Sessions } from "../kv/sessions.ts";
import type { Store } from "../kv/store.ts";
import { decodeReply, encodeReply } from "./reply.ts";
import { nextBlock, type Section } from "./section.ts";

const itemKinds = { session: 1, reply: 2 } as const;
const sessionItemBytes = 19;
const replyHeadBytes = 11;

export const sessionsSection: Section = { kind: 17, name: "sessions", begin, read };

function begin({ sessions }: Store, blockBytes: number) {
  const view = beginSessionView(sessions.byId);
  const items = itemsOf(() => nextSession(sessions.byId, view));
  sessions.view = view;
  return {
    next: () => nextBlock(items, blockBytes),
    end: () => {
      if (sessions.view === view) sessions.view = null;
    },
  };
}

function* itemsOf(next: () => SessionPicture | null): Generator<Uint8Array, undefined> {
  for (let session = next(); session !== null; session = next()) {
    // All of it at once: when the next item is asked for, the session may be another one.
    yield* sessionItems(session);
  }
}

function sessionItems(session: SessionPicture): readonly Uint8Array[] {
  const replies = [...session.replies].sort(([a], [b]) => a - b);
  return [sessionItem(session), ...replies.map(([sequence, reply]) => replyItem(sequence, reply))];
}

function sessionItem({ id, lastUsed, acknowledged }: SessionPicture): Uint8Array {
  const item = new Uint8Array(sessionItemBytes);
  item[0] = itemKinds.session;
  writeU48(item, 1, id);
  writeU48(item, 7, lastUsed);
  writeU48(item, 13, acknowledged);
  return item;
}

function replyItem(sequence: number, reply: Reply): Uint8Array {
  const bytes = encodeReply(reply);
  const item = new Uint8Array(replyHeadBytes + bytes.length);
  item[0] = itemKinds.reply;
  writeU48(item, 1, sequence);
  writeU32(item, 7, bytes.length);
  item.set(bytes, replyHeadBytes);
  return item;
}

function read({ sessions }: Store, block: Uint8Array): "taken" | null {
  let at = 0;
  while (at < block.length) {
    const next = block[at] === itemKinds.session ? readSession : readReply;
    const end = next(sessions, block, at);
    if (end === null) return null;
    at = end;
  }
  return "taken";
}

/** Where the item ends, or null. */
function readSession(sessions: Sessions, block: Uint8Array, at: number): number | null {
  const end = at + sessionItemBytes;
  if (end > block.length) return null;
  const id = readU48(block, at + 1);
  const lastUsed = millis(readU48(block, at + 7));
  const acknowledged = readU48(block, at + 13);
  const before = sessions.byId.get(sessions.newest);
  if (id === 0 || acknowledged === 0 || sessions.byId.has(id)) return null;
  if (before !== undefined && before.lastUsed > lastUsed) return null;
  sessions.byId.set(id, { id, lastUsed, acknowledged, replies: new Map() });
  sessions.newest = id;
  return end;
}

function readReply(sessions: Sessions, block: Uint8Array, at: number): number | null {
  const session = sessions.byId.get(sessions.newest);
  const bytesAt = at + replyHeadBytes;
  if (block[at] !== itemKinds.reply || bytesAt > block.length || session === undefined) return null;
  const sequence = readU48(block, at + 1);
  const end = bytesAt + readU32(block, at + 7);
  if (end > block.length || !isDue(sessions, session, sequence)) return null;
  const reply = decodeReply(block.subarray(bytesAt, end));
  if (reply === null) return null;
  session.replies.set(sequence, reply);
  return end;
}

const isDue = ({ limits }: Sessions, session: Session, sequence: number): boolean =>
  sequence >= session.acknowledged &&
  sequence < session.acknowledged + limits.sessionWindow &&
  !session.replies.has(sequence);
