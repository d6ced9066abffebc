/** What stops a server: its disk. A failed write or sync is never tried again (docs/file-format.md). */
import { unreachable } from "../base/assert.ts";
import { OperatorError } from "../base/error.ts";
import type { DiskError } from "../journal/disk.ts";

export const diskFailure = (error: DiskError): OperatorError =>
  new OperatorError({
    code: error.code === "disk-full" ? "disk-full" : "disk-failed",
    what: `the disk did not take ${error.file === "" ? "a change of the folder" : error.file}`,
    why: `${error.message}; what it holds of the last write is not known, so this node stops`,
    fix: [remedy(error), "then start the node again: it reads back what is there, and catches up"],
    exit: 7,
    meaning: "nothing that was acknowledged is lost",
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
