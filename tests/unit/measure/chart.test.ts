/** A chart is one file that stands by itself, says what it shows, and is the same for the same points. */
import { expect, test } from "bun:test";
import { type Chart, drawChart } from "../../../scripts/measure/chart.ts";

const chart: Chart = {
  title: "Puts & gets",
  subtitle: "x < y",
  x: { title: "clients", scale: "log", show: String },
  y: { title: "puts a second", scale: "linear", show: String },
  points: [
    { x: 1, y: { median: 100, min: 50, max: 100 } },
    { x: 10, y: { median: 200, min: 200, max: 200 } },
  ],
};

/** Every `name="…"` of the elements of one class. */
const attributes = (svg: string, kind: string, name: string): readonly number[] =>
  [...svg.matchAll(new RegExp(`<[^>]*class="${kind}"[^>]*>`, "g"))].map(([element]) =>
    Number(new RegExp(`\\b${name}="([^"]*)"`).exec(element)?.[1]),
  );

test("it names both axes and itself, with signs that mean something in XML escaped", () => {
  const svg = drawChart(chart);
  for (const words of ["Puts &amp; gets", "x &lt; y", ">clients<", ">puts a second<"]) {
    expect(svg).toContain(words);
  }
  expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
  expect(svg).toContain("prefers-color-scheme: dark");
});

test("nothing of it is elsewhere", () => {
  const svg = drawChart(chart).replace("http://www.w3.org/2000/svg", "");
  expect(svg).not.toMatch(/http|href|url\(|<script/);
});

test("more is higher, later is further right, and a bar goes from the least to the most", () => {
  const svg = drawChart(chart);
  const [firstX, secondX] = attributes(svg, "point", "cx");
  const [firstY, secondY] = attributes(svg, "point", "cy");
  expect(secondX).toBeGreaterThan(firstX ?? 0);
  expect(secondY).toBeLessThan(firstY ?? 0);
  const [low, top] = [attributes(svg, "spread", "y1")[0], attributes(svg, "spread", "y2")[0]];
  expect(top).toBe(firstY ?? 0);
  expect(low).toBeGreaterThan(top ?? 0);
});

test("the same points make the same bytes", () => {
  expect(drawChart(chart)).toBe(drawChart(chart));
});
