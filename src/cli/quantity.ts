/**
 * Texts that people write for durations, sizes, counts and nodes, as numbers. Each returns null for
 * what it does not understand; `flag.ts` turns that into an error which names the flag.
 */
import { isNodeId, type NodeId } from "../base/numbers.ts";

const msPerUnit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const bytesPerUnit = { "": 1, b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 } as const;

/** `250ms`, `2s`, `1.5s`, `1m`, `1h`; a bare number has no unit and is refused, except 0. */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * msPerUnit[match[2] as keyof typeof msPerUnit];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest exact spelling. */
export function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"] as const) {
    if (ms >= msPerUnit[unit] && ms % msPerUnit[unit] === 0)
      return `${ms / msPerUnit[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** `64KiB`, `1MiB`, `1GiB`, `512B`, `512`: powers of two only, so that no size has two meanings. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(|b|kib|mib|gib)$/i.exec(text);
  if (match === null) return null;
  const unit = (match[2] ?? "").toLowerCase() as keyof typeof bytesPerUnit;
  const bytes = Number(match[1]) * bytesPerUnit[unit];
  return Number.isSafeInteger(bytes) ? bytes : null;
}

export function formatSize(bytes: number): string {
  for (const [unit, name] of [
    ["gib", "GiB"],
    ["mib", "MiB"],
    ["kib", "KiB"],
  ] as const) {
    const size = bytesPerUnit[unit];
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${name}`;
  }
  return `${bytes}B`;
}

/** A whole number from 0, digits only. */
export function parseCount(text: string): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const count = Number(text);
  return Number.isSafeInteger(count) ? count : null;
}

/** `3` or `node3`. */
export function parseNodeName(text: string): NodeId | null {
  const match = /^(?:node)?([1-9]\d{0,4})$/.exec(text);
  const id = match === null ? 0 : Number(match[1]);
  return isNodeId(id) ? id : null;
}

/** `1,2` or `node1,node2`: each once. */
export function parseNodeList(text: string): readonly NodeId[] | null {
  const ids: NodeId[] = [];
  for (const name of text.split(",")) {
    const id = parseNodeName(name.trim());
    if (id === null || ids.includes(id)) return null;
    ids.push(id);
  }
  return ids;
}
