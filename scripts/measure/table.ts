/** Tables as Markdown, and numbers as people read them. */

/** A column whose heading ends with ":" is of text, and the others are of numbers, to the right. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const isText = (column: string): boolean => column.endsWith(":");
  const rule = columns.map((column) => (isText(column) ? "---" : "---:"));
  const heads = columns.map((column) => (isText(column) ? column.slice(0, -1) : column));
  return [line(heads), `|${rule.join("|")}|`, ...rows.map(line)].join("\n");
}

const escaped = (cell: string): string => cell.replaceAll("|", "\\|");

/** Three digits that count, with commas: 1,234, 56.7, 0.0123. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size >= 99.95 || value === 0) return Math.round(value).toLocaleString("en");
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toFixed(Math.min(decimals, 6));
}

/** 16 B, 1 KiB, 1.5 MiB: powers of two, as sizes are given on the command line. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let rest = value;
  let unit = 0;
  while (Math.abs(rest) >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Number.isInteger(rest) || rest >= 100 ? 0 : 1;
  return `${rest.toFixed(digits)} ${units[unit]}`;
}

/** 10, 1k, 1024, 100k, 1M. */
export function short(value: number): string {
  if (value % 100 !== 0) return `${value}`;
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1000 ? `${value / 1000}k` : `${value}`;
}

/** 1 turn, 3 turns. */
export const counted = (count: number, what: string): string =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
