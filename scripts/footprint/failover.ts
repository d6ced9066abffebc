/** The leader is killed while 64 clients put: how long nobody gets an answer. */

import { defaultTiming } from "../../src/raft/state.ts";
import { benchWords, nodesOf, usualLoad, withCluster } from "../measure/cluster.ts";
import { output, say } from "../measure/programs.ts";
import { summary } from "../measure/statistics.ts";
import { counted, number } from "../measure/table.ts";
import { bounded, type Row } from "./row.ts";

const warmupMs = 2000;
/** Of the measured time: before the kill, and after it. */
const calmMs = 1000;
const seconds = 6;
/** A leader that falls silent is noticed after one to two of the lower election timeout; then it is voted. */
const goalMs = 3 * defaultTiming.electionMsMin;

export async function failoverRow(turns: number): Promise<Row> {
  const gaps: number[] = [];
  while (gaps.length < turns) {
    gaps.push(await gapAfterKill());
    say(`leader killed, turn ${gaps.length} of ${turns}: ${number(gaps.at(-1) ?? 0)} ms`);
  }
  const { median, max } = summary(gaps);
  const shown = `median ${number(median)} ms, longest ${number(max)} ms, ${counted(turns, "time")}`;
  return bounded(
    "longest gap in acknowledged writes, leader killed under 64 clients",
    { value: max, shown },
    { value: goalMs, shown: `${number(goalMs)} ms, three times the lower election timeout` },
  );
}

function gapAfterKill(): Promise<number> {
  return withCluster({ nodes: 3 }, async (cluster) => {
    const length = ["--seconds", `${seconds}`, "--warmup", `${warmupMs}ms`];
    const load = output([...benchWords(cluster, usualLoad), ...length]);
    await Bun.sleep(warmupMs + calmMs);
    const leader = (await nodesOf(cluster)).find(({ role }) => role === "leader");
    if (leader === undefined) throw new Error("the cluster has no leader");
    process.kill(leader.pid, "SIGKILL");
    const { longestGapMs, errors } = JSON.parse(await load);
    if (errors > 0) say(`  ${errors} requests failed meanwhile`);
    return longestGapMs;
  });
}
