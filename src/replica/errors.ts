/** What stops a server: its disk. A failed write or sync is never tried again (docs/file-format.md). */
import { unreachable } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { NodeId } from "../base/numbers.ts";
import type { DiskError } from "../journal/disk.ts";
import { hashText } from "../kv/hash.ts";
import type { Difference } from "./comparison.ts";

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
