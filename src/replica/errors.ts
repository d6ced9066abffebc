/** What stops a server: its disk. A failed write or sync is never tried again (docs/file-format.md). */
import { unreachable } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import type { RepairLack } from "../codec/repair.ts";
import type { DiskError } from "../journal/disk.ts";
import type { Salvage } from "../journal/salvage.ts";
import { hashText } from "../kv/hash.ts";
import type { Difference } from "./comparison.ts";
import { missingText } from "./describe-repair.ts";

export const diskFailure = (error: DiskError): OperatorError =>
  new OperatorError({
    code: error.code === "disk-full" ? "disk-full" : "disk-failed",
    what: `the disk did not take ${error.file === "" ? "a change of the folder" : error.file}`,
    why: `${error.message}; what it holds of the last write is not known, so this node stops`,
    fix: [remedy(error), "then start the node again: it reads back what is there, and catches up"],
    exit: 7,
    meaning: "nothing that was acknowledged is lost",
  });

/** Two servers applied the same log, and hold different stores. */
export const storeDiffers = (
  me: NodeId,
  { index, peer, theirs, ours }: Difference,
): OperatorError =>
  new OperatorError({
    code: "store-differs",
    what: `node ${me} holds another store than node ${peer} after entry ${index}`,
    why:
      `the hash of its store is ${hashText(ours)} there, and ${hashText(theirs)} on node ${peer}, which leads; ` +
      "one of them has another log, a bad memory, or another version of this program",
    fix: [
      `rusty-boat inspect data/node${me}.log --diff data/node${peer}.log      whether their logs part`,
      `rusty-boat inspect data/node${me}.log --at ${index}      the store that the log makes, with its hash`,
      `rusty-boat cluster restart ${me}      it reads its own log anew`,
    ],
    exit: 6,
    meaning: "nothing was answered from a store that is known to differ",
  });

/** All the others were asked, and nobody has a good copy. */
export function repairRefused(
  { parts }: OperatorError,
  about: {
    readonly salvage: Pick<Salvage, "identity" | "log">;
    readonly because: ReadonlyMap<NodeId, RepairLack>;
  },
): OperatorError {
  const { identity, log } = about.salvage;
  const said = [...about.because].map(([id, lack]) => `node ${id} ${lacks[lack]}`).join(", ");
  const missing =
    log.missingCount > 0 ? missingText(log) : `what stands before entry ${log.base.index + 1}`;
  return new OperatorError({
    ...parts,
    code: "no-good-copy",
    why: `${parts.why}; no other node has a good copy of ${missing}: ${said === "" ? "there is none" : said}`,
    fix: [
      ...parts.fix,
      `give its place to a new node: rusty-boat cluster replace ${identity.node}`,
      "rusty-boat cluster recover      where too few nodes are left",
    ],
  });
}

const lacks: Readonly<Record<RepairLack, string>> = {
  behind: "does not hold this node's log",
  damaged: "has it damaged as well",
  compacted: "has it no more",
  "other-snapshot": "has another snapshot",
};

function remedy(error: DiskError): string {
  switch (error.code) {
    case "disk-full":
      return "free some space on the disk of the data folder";
    case "permission":
      return "give the node's user the right to write to its data folder";
    case "too-many-files":
      return "raise the limit of open files (ulimit -n)";
    case "missing":
    case "exists":
      return "look for a second program that works in the data folder";
    case "io":
      return "check the disk: it reported an error";
    default:
      return unreachable(error.code);
  }
}
