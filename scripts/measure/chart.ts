/**
 * A line with its spread as an SVG file of its own: axes with units, readable on a light and on a dark page. The same
 * points make the same bytes.
 */
import { type Scale, type ScaleKind, scaleOf } from "./scale.ts";
import type { Summary } from "./statistics.ts";

export type Axis = {
  /** With its unit. */
  readonly title: string;
  readonly scale: ScaleKind;
  readonly show: (value: number) => string;
};

export type ChartPoint = { readonly x: number; readonly y: Summary };

export type Chart = {
  readonly title: string;
  /** Below the title: what was held still, and where it was measured. */
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  /** By ascending x. */
  readonly points: readonly ChartPoint[];
};

const size = { width: 720, height: 400 } as const;
const titleLeft = 16;
const inner = { left: 84, right: 700, top: 64, bottom: 338 } as const;

const style = `
  text { font: 13px system-ui, sans-serif; fill: #3b4252; }
  .title { font-size: 16px; font-weight: 600; }
  .small { font-size: 12px; fill: #5d6673; }
  .grid { stroke: #8a94a3; stroke-opacity: 0.28; }
  .axis { stroke: #8a94a3; }
  .line { fill: none; stroke: #1f6fb2; stroke-width: 2; }
  .spread { stroke: #1f6fb2; stroke-opacity: 0.55; stroke-width: 1.5; }
  .point { fill: #1f6fb2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #d8dee9; }
    .small { fill: #aab3c0; }
    .line, .spread { stroke: #6cb6ff; }
    .point { fill: #6cb6ff; }
  }`;

/** Throws where there is nothing to draw. */
export function drawChart(chart: Chart): string {
  const { title, subtitle, points } = chart;
  const x = scaleOf(
    chart.x.scale,
    points.map((point) => point.x),
  );
  const y = scaleOf(
    chart.y.scale,
    points.flatMap((point) => [point.y.min, point.y.max]),
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" ` +
      `width="${size.width}" height="${size.height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}\n</style>`,
    text(title, { x: titleLeft, y: 26, kind: "title" }),
    text(subtitle, { x: titleLeft, y: 46, kind: "small" }),
    ...xAxis(chart.x, x),
    ...yAxis(chart.y, y),
    ...points.map((point) => spreadOf(point, x, y)),
    lineOf(points, x, y),
    ...points.map((point) => pointOf(point, x, y)),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function xAxis({ title, show }: Axis, scale: Scale): readonly string[] {
  const middle = (inner.left + inner.right) / 2;
  return [
    line({ x1: inner.left, y1: inner.bottom, x2: inner.right, y2: inner.bottom, kind: "axis" }),
    ...scale.ticks.flatMap(({ value, at }) => {
      const x = across(at);
      return [
        line({ x1: x, y1: inner.top, x2: x, y2: inner.bottom, kind: "grid" }),
        text(show(value), { x, y: inner.bottom + 20, anchor: "middle" }),
      ];
    }),
    text(title, { x: middle, y: size.height - 14, anchor: "middle" }),
  ];
}

function yAxis({ title, show }: Axis, scale: Scale): readonly string[] {
  const middle = (inner.top + inner.bottom) / 2;
  return [
    ...scale.ticks.flatMap(({ value, at }) => {
      const y = upward(at);
      return [
        line({ x1: inner.left, y1: y, x2: inner.right, y2: y, kind: "grid" }),
        text(show(value), { x: inner.left - 8, y: y + 4, anchor: "end" }),
      ];
    }),
    `<text text-anchor="middle" transform="translate(20 ${middle}) rotate(-90)">${escaped(title)}</text>`,
  ];
}

const across = (at: number): number => rounded(inner.left + at * (inner.right - inner.left));
const upward = (at: number): number => rounded(inner.bottom - at * (inner.bottom - inner.top));
const rounded = (value: number): number => Math.round(value * 10) / 10;

const lineOf = (points: readonly ChartPoint[], x: Scale, y: Scale): string => {
  const places = points.map((point) => `${across(x.at(point.x))},${upward(y.at(point.y.median))}`);
  return `<polyline class="line" points="${places.join(" ")}"/>`;
};

function spreadOf({ x: value, y: { min, max } }: ChartPoint, xs: Scale, ys: Scale): string {
  const x = across(xs.at(value));
  return line({ x1: x, y1: upward(ys.at(min)), x2: x, y2: upward(ys.at(max)), kind: "spread" });
}

const pointOf = (point: ChartPoint, x: Scale, y: Scale): string =>
  `<circle class="point" cx="${across(x.at(point.x))}" cy="${upward(y.at(point.y.median))}" r="3.5"/>`;

type Ends = { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number };

const line = ({ kind, x1, y1, x2, y2 }: Ends & { readonly kind: string }): string =>
  `<line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;

function text(
  words: string,
  place: {
    readonly x: number;
    readonly y: number;
    readonly kind?: string;
    readonly anchor?: "middle" | "end";
  },
): string {
  const { x, y, kind, anchor } = place;
  const kinds = kind === undefined ? "" : ` class="${kind}"`;
  const anchors = anchor === undefined ? "" : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}"${kinds}${anchors}>${escaped(words)}</text>`;
}

const escaped = (words: string): string =>
  words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
