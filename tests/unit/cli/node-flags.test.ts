/**
 * What `node` makes of its flags, what it refuses, and the supervisor's way back from a
 * configuration to flags.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeId } from "../../../src/base/numbers.ts";
import { rootCommand } from "../../../src/cli/root.ts";
import { deriveClientKey } from "../../../src/codec/authentication.ts";
import {
  derivedClusterId,
  formatClusterId,
  type NodeConfig,
  nodeArguments,
} from "../../../src/runtime/node-config.ts";
import { clientKeyOf, formatSecret, parseSecret } from "../../../src/runtime/secret.ts";
import { runWords } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "rusty-boat-flags-"));
afterAll(() => rmSync(folder, { recursive: true }));
const peerFile = join(folder, "peer");
const clientFile = join(folder, "client");
const digits = "0123456789abcdef".repeat(4);
writeFileSync(peerFile, `peer:${digits}\n`);
writeFileSync(clientFile, `client:${digits}\n`);
writeFileSync(join(folder, "other"), "hello");

const check = async (...words: string[]) => {
  const ran = await runWords(rootCommand, ["node", ...words, "--check", "--json"]);
  expect(ran.stderr).toBe("");
  return JSON.parse(ran.stdout);
};
const refused = async (...words: string[]) => {
  const ran = await runWords(rootCommand, ["node", ...words, "--check", "--json"]);
  expect(ran.stdout).toBe("");
  const { code, exit, message } = JSON.parse(ran.stderr).error;
  return { code, exit, message };
};
const peers = "--peers=1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103";

describe("the effective configuration", () => {
  test("has defaults that keep a node on this machine", async () => {
    expect(await check("--id=2", "--listen=127.0.0.1:7102", peers, `--data=${folder}`)).toEqual({
      id: 2,
      listen: "127.0.0.1:7102",
      join: null,
      peers: { 1: "127.0.0.1:7101", 2: "127.0.0.1:7102", 3: "127.0.0.1:7103" },
      data: folder,
      clusterId: expect.stringMatching(/^[0-9a-f]{12}$/),
      secretFile: null,
      exposure: "secret-required",
      damage: "refuse",
      heartbeatMs: 60,
      electionMsMin: 600,
      electionMsMax: 1200,
      segmentBytesMax: 67_108_864,
      snapshotEntries: 100_000,
      datagramBytesMax: 60_000,
      logLevel: "info",
    });
  });

  test("without peers is a cluster of one", async () => {
    expect((await check("--id", "node4")).peers).toEqual({ 4: "127.0.0.1:7101" });
  });

  test("has small datagrams as soon as one peer is elsewhere", async () => {
    const config = await check("--id=1", "--peers=1=127.0.0.1:7101,2=10.0.0.2:7101");
    expect(config.datagramBytesMax).toBe(1200);
    expect((await check("--id=1", "--mtu=9000")).datagramBytesMax).toBe(9000);
  });

  test("never shows the secret", async () => {
    const ran = await runWords(rootCommand, [
      "node",
      "--id=1",
      `--secret-file=${peerFile}`,
      "--check",
    ]);
    expect(ran.stdout).toContain(peerFile);
    expect(ran.stdout).not.toContain(digits);
  });

  test("as flags again is the same configuration", async () => {
    const config: NodeConfig = {
      id: nodeId(2),
      listen: { host: "127.0.0.1", port: 7102 },
      peers: new Map([
        [nodeId(1), { host: "127.0.0.1", port: 7101 }],
        [nodeId(2), { host: "127.0.0.1", port: 7102 }],
      ]),
      join: null,
      dataFolder: folder,
      clusterId: 0xfeed,
      secretFile: peerFile,
      secret: null,
      exposure: "insecure",
      damage: "repair",
      heartbeatMs: 7,
      electionMsMin: 77,
      electionMsMax: 154,
      segmentBytesMax: 5000,
      snapshotEntries: 77,
      datagramBytesMax: 1300,
      logLevel: "debug",
    };
    const { secret: _, peers: addresses, clusterId, ...plain } = config;
    expect(await check(...nodeArguments(config).slice(1))).toEqual({
      ...plain,
      listen: "127.0.0.1:7102",
      peers: { 1: "127.0.0.1:7101", 2: "127.0.0.1:7102" },
      data: folder,
      dataFolder: undefined,
      clusterId: formatClusterId(clusterId),
    });
    expect(addresses.size).toBe(2);
  });
});

describe("the derived cluster id", () => {
  const address = (port: number) => ({ host: "127.0.0.1", port });
  const one = [nodeId(1), address(7101)] as const;
  const two = [nodeId(2), address(7102)] as const;

  test("is the same on every node, in whatever order the peers are named", () => {
    expect(derivedClusterId(new Map([one, two]))).toBe(derivedClusterId(new Map([two, one])));
  });

  test("is another for other peers, and does not change between versions", () => {
    expect(derivedClusterId(new Map([one]))).not.toBe(derivedClusterId(new Map([one, two])));
    // Data on disk names it: sha256 of "rusty-boat cluster\n1=127.0.0.1:7101", first six bytes.
    expect(formatClusterId(derivedClusterId(new Map([one])))).toBe("af3be60236c6");
  });
});

describe("refused", () => {
  test.each([
    [["--id=0"], "bad-value"],
    [["--id=1", "--listen=nowhere"], "bad-value"],
    [["--id=1", "--listen=127.0.0.1:0"], "bad-value"],
    [["--id=1", "--peers=127.0.0.1:7101"], "bad-value"],
    [["--id=1", "--peers=1=127.0.0.1:7101,1=127.0.0.1:7102"], "bad-value"],
    [["--id=1", "--peers=1=127.0.0.1:7101,2=127.0.0.1:7101"], "duplicate-peer"],
    [["--id=9", peers], "not-a-peer"],
    [["--id=1", "--cluster-id=000000000000"], "bad-value"],
    [["--id=1", "--cluster-id=xyz"], "bad-value"],
    [["--id=1", "--heartbeat=60"], "bad-value"],
    [["--id=1", "--heartbeat=100ms", "--election=999ms"], "election-too-short"],
    [["--id=1", "--heartbeat=1ms"], "out-of-range"],
    [["--id=1", "--mtu=500"], "out-of-range"],
    [["--id=1", "--mtu=70000"], "out-of-range"],
    [["--id=1", "--segment-size=1KiB"], "out-of-range"],
    [["--id=1", "--snapshot-every=0"], "bad-value"],
    [["--id=1", "--log-level=loud"], "bad-value"],
    [["--id=1", "--listen=10.0.0.1:7101"], "secret-required"],
    [["--id=1", `--secret-file=${clientFile}`], "wrong-secret"],
    [["--id=1", `--secret-file=${join(folder, "other")}`], "bad-secret"],
    [[peers], "missing-flag"],
  ] as const)("%p: %s, exit 2", async (words, code) => {
    expect(await refused(...words)).toMatchObject({ code, exit: 2 });
  });

  test("a secret file that is not there: this machine is in the way, exit 7", async () => {
    const ran = await refused("--id=1", `--secret-file=${join(folder, "missing")}`);
    expect(ran).toMatchObject({ code: "secret-unreadable", exit: 7 });
  });

  test("but not a network with a secret, or one that is called insecure", async () => {
    const open = ["--id=1", "--listen=10.0.0.1:7101"];
    expect((await check(...open, `--secret-file=${peerFile}`)).secretFile).toBe(peerFile);
    expect((await check(...open, "--insecure")).exposure).toBe("insecure");
  });
});

describe("secrets", () => {
  test("name whose they are, and are read back as printed", () => {
    const secret = parseSecret(`peer:${digits}`)!;
    expect(secret.bytes).toHaveLength(32);
    expect(formatSecret(secret)).toBe(`peer:${digits}`);
    for (const text of [
      "",
      digits,
      `peer:${digits}0`,
      `peer:${digits.slice(1)}`,
      `root:${digits}`,
    ]) {
      expect(parseSecret(text)).toBeNull();
    }
  });

  test("a client's is derived from the nodes', and stays what it is", () => {
    const peer = parseSecret(`peer:${digits}`)!;
    expect(clientKeyOf(peer)).toEqual(deriveClientKey(peer.bytes));
    expect(clientKeyOf({ kind: "client", bytes: peer.bytes })).toEqual(peer.bytes);
  });

  test("cluster client-secret prints the file for clients", async () => {
    const words = ["cluster", "client-secret", `--secret-file=${peerFile}`];
    const { stdout } = await runWords(rootCommand, words);
    const printed = parseSecret(stdout);
    expect(printed).toEqual({ kind: "client", bytes: clientKeyOf(parseSecret(`peer:${digits}`)!) });
  });
});
