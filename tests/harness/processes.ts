/** Other processes, as tests see them. */
import { readFileSync } from "node:fs";
import { eventually } from "./real-cluster.ts";

/** What has ended and was not waited for yet, by a slow first process say, is gone. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

export const ends = (pid: number): Promise<"gone"> =>
  eventually(`process ${pid} ends`, () => (isThere(pid) ? null : "gone"));
