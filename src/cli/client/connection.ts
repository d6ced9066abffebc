/**
 * The cluster of a command line, reached: names resolved, the socket open, and signals turned into
 * giving up.
 */
import { resolve } from "node:path";
import { type Address, formatAddress } from "../../base/address.ts";
import { exits, OperatorError } from "../../base/error.ts";
import { ClusterClient } from "../../runtime/client.ts";
import { clusterFilePath } from "../../runtime/cluster-file.ts";
import type { Asked } from "../../runtime/cluster-status.ts";
import { numericHost } from "../../runtime/host.ts";
import { defaultDatagramBytes } from "../../runtime/node-config.ts";
import { WatchStream } from "../../runtime/watch.ts";
import { type SignalName, Signals } from "../signals.ts";
import { readTarget, type Target, type TargetTexts } from "../target.ts";
import type { Connection } from "./place.ts";
import { shellWord } from "./shell.ts";

export async function openConnection(texts: TargetTexts): Promise<Connection> {
  const target = readTarget(texts);
  const nodes = await numericNodes(target);
  const reached = {
    nodes,
    cluster: target.clusterId,
    keys: { peer: null, client: target.clientKey },
    datagramBytesMax: defaultDatagramBytes(nodes.map((node) => node.address)),
  };
  const cluster = await ClusterClient.open(reached);
  const signals = new Signals();
  let interruption: SignalName | null = null;
  const onSignal = (name: SignalName): void => {
    interruption = name;
    cluster.giveUp();
  };
  const interrupted = signals.next();
  void interrupted.then(onSignal);
  const isOurs = target.source === clusterFilePath(resolve(texts.data));
  return {
    cluster,
    words: targetWords(texts),
    source: target.source,
    supervisorWords: isOurs ? dataWords(texts) : null,
    secret: target.clientKey === null ? "without-secret" : "with-secret",
    openWatch: (wish) => WatchStream.open(reached, wish),
    interruption: () => interruption,
    interrupted,
    close: () => {
      signals.close();
      cluster.close();
    },
  };
}

/** A node whose name leads nowhere is left out, as long as there are others. */
async function numericNodes(target: Target): Promise<readonly Asked[]> {
  const found: Asked[] = [];
  for (const node of target.nodes) {
    const host = await numericHost(node.address.host);
    if (host !== null) found.push({ ...node, address: { host, port: node.address.port } });
  }
  if (found.length > 0) return found;
  throw unknownHosts(target.nodes.map((node) => node.address));
}

function unknownHosts(addresses: readonly Address[]): OperatorError {
  return new OperatorError({
    code: "unknown-host",
    what: "no node can be reached",
    why: `no address is known for ${addresses.map(formatAddress).join(", ")}`,
    fix: ["check the names given to --nodes", "name the nodes by numbers: --nodes 10.0.0.1:7101"],
    exit: exits.unreachable,
    applied: "no",
    meaning: "nothing was sent",
  });
}

const targetFlags = ["nodes", "cluster-id", "secret-file"] as const;
const defaultData = "data";

/** The target as it was given, as flags; nothing where it is the default. */
export function targetWords(texts: TargetTexts): readonly string[] {
  const words = [...dataWords(texts)];
  for (const name of targetFlags) {
    const text = texts[name];
    if (text !== undefined) words.push(`--${name}`, shellWord(text));
  }
  return words;
}

const dataWords = ({ data }: TargetTexts): readonly string[] =>
  data === defaultData ? [] : ["--data", shellWord(data)];
