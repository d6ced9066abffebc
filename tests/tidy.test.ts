/** Rules of this code base that a type checker cannot see: layers, purity, homes of packages, size. */
import { describe, expect, test } from "bun:test";
import { Glob } from "bun";

/** A folder may import itself and whatever stands before it. */
const layers = [
  "base",
  "sexp",
  "raft",
  "kv",
  "codec",
  "journal",
  "replica",
  "client",
  "sim",
  "runtime",
  "cli",
  "main.ts",
];
/** They know real time, chance, files and promises. */
const world = ["runtime", "cli", "main.ts"];

/** Where a package may be imported. */
const homes: Record<string, readonly string[]> = {
  consola: ["runtime", "cli"],
  citty: ["cli", "main.ts"],
};
/** Pure functions of the runtime's library, each with its one home. */
const pure: Record<string, string> = {
  "base/checksum.ts": "bun",
  "codec/authentication.ts": "node:crypto",
};

const ambient =
  /\b(Date\.now|new Date|Math\.random|performance\.|setTimeout|setInterval|setImmediate|process\.|Bun\.|console\.|async |await |Promise\b)/;

const limits = { columns: 120, fileLines: 400, functionLines: 60 };

const root = `${import.meta.dir}/../src`;
const files = [...new Glob("**/*.ts").scanSync(root)].filter((file) => !file.endsWith(".d.ts"));

const layerOf = (file: string): string => file.split("/")[0]!;
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");

type Import = { readonly path: string; readonly folder: string | null };

const importsOf = (text: string): Import[] =>
  [...text.matchAll(/(?:(?<!\()\bfrom |\bimport |\bimport\()"([^"]+)"/g)].map(([, path = ""]) => ({
    path,
    folder: /^\.\.\/(?:\.\.\/)*(\w+)\//.exec(path)?.[1] ?? null,
  }));

/** What is wrong with the imports of a file, in sentences. */
function importProblems(file: string, text: string): string[] {
  const here = layerOf(file);
  const problems: string[] = [];
  for (const { path, folder } of importsOf(text)) {
    if (folder !== null && layers.includes(folder)) {
      if (layers.indexOf(folder) > layers.indexOf(here)) problems.push(`${path} is a layer above`);
      if (folder === "sim" && here !== "sim") problems.push(`${path}: only tests import sim/`);
    }
    if (path.startsWith(".")) continue;
    const system = path === "bun" || path.startsWith("bun:") || path.startsWith("node:");
    if (system && !world.includes(here) && pure[file] !== path)
      problems.push(`${path} is of the world`);
    const home = homes[path.split("/")[0]!];
    if (!system && home === undefined) problems.push(`${path} is not a package of this project`);
    if (home !== undefined && !home.includes(file) && !home.includes(here)) {
      problems.push(`${path} has its home in ${home.join(", ")}`);
    }
  }
  return problems;
}

/** Functions longer than a screen: from a line that opens one to the brace that closes it at its indent. */
function longFunctions(text: string): string[] {
  const lines = text.split("\n");
  const opening =
    /^(\s*)(?:export )?(?:async )?(?:function\b|(?:private |static |readonly )*[\w#]+\([^;]*\)[^;=]*\{$)/;
  const closing = /^\},?$/;
  return lines.flatMap((line, start) => {
    const indent = opening.exec(line)?.[1];
    if (indent === undefined) return [];
    const length = lines
      .slice(start)
      .findIndex((later) => closing.test(later.slice(indent.length)) && later.startsWith(indent));
    return length >= limits.functionLines ? [`${line.trim()} has ${length + 1} lines`] : [];
  });
}

describe.each(files.sort())("src/%s", (file) => {
  const read = () => Bun.file(`${root}/${file}`).text();

  test("imports from its own layer or one below, and packages where they live", async () => {
    expect(importProblems(file, await read())).toEqual([]);
  });

  if (!world.includes(layerOf(file))) {
    test("is handed its time, chance and files", async () => {
      expect(withoutComments(await read()).match(ambient)?.[0]).toBeUndefined();
    });
  }

  test("fits a head: its lines, its length, its functions", async () => {
    const text = await read();
    const lines = text.split("\n");
    expect(lines.filter((line) => line.length > limits.columns)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(limits.fileLines);
    expect(longFunctions(text)).toEqual([]);
  });

  test("says why it exists", async () => {
    expect((await read()).replace(/^#!.*\n/, "")).toStartWith("/**");
  });

  test("has no loose ends", async () => {
    expect((await read()).match(/TODO|FIXME|XXX|@ts-|biome-ignore/)?.[0]).toBeUndefined();
  });
});

test("the rules see what they forbid", () => {
  expect(importProblems("raft/log.ts", 'import { x } from "../kv/store.ts";')).toHaveLength(1);
  expect(importProblems("kv/store.ts", 'import { x } from "node:fs";')).toHaveLength(1);
  expect(importProblems("cli/run.ts", 'import { x } from "../sim/clock.ts";')).toHaveLength(1);
  expect(importProblems("raft/log.ts", 'import { pack } from "msgpackr";')).toHaveLength(1);
  expect(importProblems("cli/run.ts", 'import chalk from "chalk";')).toHaveLength(1);
  expect(withoutComments("// await\nconst x = 1;")).not.toMatch(ambient);
  expect("const now = Date.now();").toMatch(ambient);
  const long = `function f() {\n${"  x();\n".repeat(60)}}`;
  expect(longFunctions(long)).toHaveLength(1);
});
