/**
 * The examples in the documentation of `inspect` are what the program prints. After a change of the output:
 * `REWRITE=1 bun test inspect-document`, and read what it changed.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SimDisk } from "../../../src/sim/disk.ts";
import { Folder, inspect, settledLife, shortLife } from "./inspect-support.ts";

const path = join(import.meta.dir, "../../../docs/cli.md");

/** node1 and node2 of one cluster, node2 behind; and node3, of which one bit is wrong. */
function exampleFolder(): Folder {
  const damaged = shortLife(3);
  if (damaged.disk instanceof SimDisk) damaged.disk.flipBit("node3.log", 8 * 932);
  return Folder.of(shortLife(1), settledLife(2), damaged);
}

test("every example prints what the document says", async () => {
  using folder = exampleFolder();
  const document = readFileSync(path, "utf8");
  let actual = "";
  let end = 0;
  let count = 0;
  const block = /```console\n\$ rusty-boat inspect ([^\n]*)\n[^`]*```/g;
  for (const match of document.matchAll(block)) {
    const { stdout, stderr } = await inspect(folder, (match[1] ?? "").split(" "));
    actual += document.slice(end, match.index);
    actual += `\`\`\`console\n$ rusty-boat inspect ${match[1]}\n${stdout}${stderr}\`\`\``;
    end = match.index + match[0].length;
    count += 1;
  }
  actual += document.slice(end);
  expect(count).toBeGreaterThanOrEqual(7);
  if (process.env["REWRITE"] === "1") writeFileSync(path, actual);
  else expect(actual).toBe(document);
});
