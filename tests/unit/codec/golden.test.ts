/**
 * The bytes of every kind of datagram, in golden.txt, which docs/protocol.md quotes. A change here is a change
 * of the wire: it needs a new version, and a line in the document's history.
 */
import { expect, test } from "bun:test";
import { bytesOfHex, hex } from "../../../src/base/bytes.ts";
import { datagramVersion, openDatagram } from "../../../src/codec/datagram.ts";
import { datagramKinds } from "../../../src/codec/kinds.ts";
import { keys, opener, samples, sealed } from "./samples.ts";

const golden = await Bun.file(`${import.meta.dir}/golden.txt`).text();
const protocol = await Bun.file(`${import.meta.dir}/../../../docs/protocol.md`).text();

const goldenHex = new Map(
  golden
    .trim()
    .split("\n")
    .map((line) => line.split(/ +/) as [string, string]),
);

test("there is a sample of every kind", () => {
  expect(samples.map(({ kind }) => kind).sort()).toEqual([...datagramKinds].sort());
});

for (const sample of samples) {
  test(`the bytes of a ${sample.kind} are as written down`, () => {
    expect(hex(sealed(sample))).toBe(goldenHex.get(sample.kind)!);
  });

  test(`the written-down bytes of a ${sample.kind} open`, () => {
    const opened = openDatagram(bytesOfHex(goldenHex.get(sample.kind)!)!, opener);
    if (opened.kind !== "opened") throw new Error(opened.because);
    expect(opened.header.kind).toBe(sample.kind);
    expect(hex(opened.body)).toBe(hex(sample.body));
  });
}

test("the bytes of a heartbeat with a tag are as written down", () => {
  const heartbeat = samples.find(({ kind }) => kind === "heartbeat")!;
  expect(hex(sealed(heartbeat, keys))).toBe(goldenHex.get("heartbeat,tagged")!);
});

test("the document quotes all of them", () => {
  expect(protocol).toContain(golden.trim());
});

/** Rows of the walk through one datagram: `| offset | hex | field |`. */
const walked = [...protocol.matchAll(/^\| +\d+ \| `([0-9a-f ]+)` \|/gm)].map(([, cell]) =>
  cell!.replaceAll(" ", ""),
);

test("the document walks through the whole of the heartbeat with a tag", () => {
  expect(walked.join("")).toBe(goldenHex.get("heartbeat,tagged")!);
});

test("the document's history has a line for this version", () => {
  expect(protocol).toMatch(new RegExp(`^- \\*\\*${datagramVersion}\\*\\*`, "m"));
});
