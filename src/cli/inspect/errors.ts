/** What can be in the way of looking at a journal, each as an error that names the way out. */
import { unreachable } from "../../base/assert.ts";
import { exits, OperatorError } from "../../base/error.ts";
import type { DiskError } from "../../journal/disk.ts";
import { describeProblem, describeSnapshotFault } from "../../journal/errors.ts";
import type { Problem } from "../../journal/recovery.ts";
import type { SnapshotRefusal } from "../../journal/snapshot-load.ts";

const untouched = "nothing was changed";

export const missingFile = (path: string, besides: readonly string[]): OperatorError =>
  new OperatorError({
    code: "no-such-file",
    what: `${path} does not exist`,
    why:
      besides.length === 0
        ? "there is no journal in that folder either"
        : "that folder holds journals, but not this one",
    fix:
      besides.length === 0
        ? ["name a node's file: rusty-boat inspect data/node1.log"]
        : [`rusty-boat inspect ${besides[0]}`],
    exit: exits.usage,
    meaning: untouched,
  });

export const isFolder = (path: string, inside: readonly string[]): OperatorError =>
  new OperatorError({
    code: "is-a-folder",
    what: `${path} is a folder`,
    why:
      inside.length === 0
        ? "inspect reads files, and there is no journal in it"
        : "inspect reads files",
    fix: [`rusty-boat inspect ${inside.length === 0 ? `${path}/node1.log` : inside.join(" ")}`],
    exit: exits.usage,
    meaning: untouched,
  });

export const notAFile = (path: string): OperatorError =>
  new OperatorError({
    code: "not-a-file",
    what: `${path} is not a regular file`,
    why: "a journal is read from more than one place, which a device or a pipe does not allow",
    fix: ["copy it into a file first"],
    exit: exits.usage,
    meaning: untouched,
  });

export const notAJournal = (path: string, size: number): OperatorError =>
  new OperatorError({
    code: "not-a-journal",
    what: `${path} is not a journal`,
    why: size === 0 ? "it is empty" : "a journal's first record names it, and this one's does not",
    fix: ["name a node's file: rusty-boat inspect data/node1.log"],
    exit: exits.damaged,
    meaning: untouched,
  });

/** Bytes that a node cut off: they mean something only behind the ones that they followed. */
export const cutBytes = (
  path: string,
  cut: { readonly log: string; readonly offset: string },
): OperatorError =>
  new OperatorError({
    code: "not-a-journal",
    what: `${path} is not a journal by itself`,
    why: `it was cut off at byte ${cut.offset} of ${cut.log}, and is read behind what stood before`,
    fix: [
      `head -c ${cut.offset} ${cut.log} | cat - ${path} > whole.log; rusty-boat inspect whole.log`,
    ],
    exit: exits.damaged,
    meaning: untouched,
  });

/** The same words, file and offset as a node's that refuses to start on these files. */
export function refusedLog(path: string, problem: Problem, readable: string): OperatorError {
  const why = `${describeProblem(problem)}; everything before it is right: ${readable}`;
  if (problem.kind === "incompatible") {
    return new OperatorError({
      code: "log-incompatible",
      what: `${path} cannot be understood from byte ${problem.offset} on`,
      why,
      fix: ["use the version of rusty-boat that wrote the file, or a newer one"],
      exit: exits.damaged,
      meaning: untouched,
    });
  }
  return new OperatorError({
    code: "log-damaged",
    what: `${path} is damaged at byte ${problem.offset}`,
    why,
    fix: [
      "start it with --repair: it fetches what is lost from the others",
      "leave the node stopped: the others go on without it while they are a majority",
      "put back the node's files as they were when it stopped, from a mirror or a snapshot of " +
        "the file system: an older copy would break promises that it made since",
    ],
    exit: exits.damaged,
    meaning: untouched,
  });
}

export const readingFailed = (error: DiskError): OperatorError =>
  new OperatorError({
    code: error.code === "permission" || error.code === "missing" ? error.code : "disk-failed",
    what: `${error.file} could not be read`,
    why: error.message,
    fix: [remedy(error)],
    exit: exits.local,
    meaning: untouched,
  });

function remedy(error: DiskError): string {
  switch (error.code) {
    case "permission":
      return "look at it as the user who runs the node, or with sudo";
    case "missing":
      return "it went away while it was read: run the command again";
    case "too-many-files":
      return "raise the limit of open files: ulimit -n";
    case "disk-full":
    case "exists":
    case "io":
      return "look for the disk's own messages in the system's log";
    default:
      return unreachable(error.code);
  }
}

/** The state and the outcomes can be known only from the first entry on. */
export const beginsLater = (path: string, firstIndex: number): OperatorError =>
  new OperatorError({
    code: "log-incomplete",
    what: `the state cannot be built from ${path}`,
    why: `what is there begins with entry ${firstIndex}, and all before it made the state`,
    fix: [
      `a later index: --at ${firstIndex}, where a snapshot is there, or one behind it`,
      "or put the node's older files, node*.log, and its snapshot beside it",
    ],
    exit: exits.damaged,
    meaning: untouched,
  });

export const noSuchEntry = (parts: {
  readonly path: string;
  readonly index: number;
  readonly last: number;
}): OperatorError =>
  new OperatorError({
    code: "no-such-entry",
    what: `${parts.path} has no entry ${parts.index}`,
    why: parts.last === 0 ? "its log is empty" : `its last entry is ${parts.last}`,
    fix: [`rusty-boat inspect ${parts.path} --at ${parts.last}`],
    exit: exits.no,
    meaning: untouched,
  });

export const unreadableCommand = (path: string, index: number): OperatorError =>
  new OperatorError({
    code: "log-incompatible",
    what: `the command of entry ${index} in ${path} cannot be understood`,
    why: "its record is intact: another version of rusty-boat wrote it",
    fix: ["use the version of rusty-boat that wrote the file, or a newer one"],
    exit: exits.damaged,
    meaning: untouched,
  });

export const nothingInCommon = (a: string, b: string): OperatorError =>
  new OperatorError({
    code: "nothing-to-compare",
    what: `${a} and ${b} have no entry in common`,
    why: "one of them ends before the other begins",
    fix: ["put the node's older files, node*.log, beside each"],
    exit: exits.no,
    meaning: untouched,
  });

export const flagsDisagree = (flags: readonly [string, string], why: string): OperatorError =>
  new OperatorError({
    code: "flags-disagree",
    what: `${flags[0]} and ${flags[1]} do not go together`,
    why,
    fix: ["leave one of them out", "rusty-boat inspect --help"],
    exit: exits.usage,
    meaning: untouched,
  });

export const oneFileOnly = (flag: string, surplus: string): OperatorError =>
  new OperatorError({
    code: "surplus-argument",
    what: `inspect ${flag} has no use for a second file, "${surplus}"`,
    why: `${flag} looks at one node's log`,
    fix: ["name one file; the older ones of the same node are found beside it"],
    exit: exits.usage,
    meaning: untouched,
  });

export const notFollowable = (path: string): OperatorError =>
  new OperatorError({
    code: "closed-file",
    what: `${path} does not grow any more`,
    why: "it is a closed segment: its node writes to another file",
    fix: [`rusty-boat inspect --follow ${path.replace(/\.\d{15}\.log$/, ".log")}`],
    exit: exits.usage,
    meaning: untouched,
  });

export const logReplaced = (path: string): OperatorError =>
  new OperatorError({
    code: "log-replaced",
    what: `${path} is another log now`,
    why: "the file that was followed became shorter, or was moved away or removed",
    fix: [`rusty-boat inspect --follow ${path}`],
    exit: exits.no,
    meaning: untouched,
  });

/** A snapshot that was named is not whole. */
export const badSnapshot = (path: string, { offset, because }: SnapshotRefusal): OperatorError =>
  new OperatorError({
    code: "snapshot-damaged",
    what: `${path} cannot be used from byte ${offset} on`,
    why: describeSnapshotFault(because),
    fix: ["another server's snapshot up to the same entry is the same file, byte for byte"],
    exit: exits.damaged,
    meaning: untouched,
  });

export const notOfSnapshots = (flag: string): OperatorError =>
  new OperatorError({
    code: "flags-disagree",
    what: `${flag} is about logs, and a snapshot is none`,
    why: "a snapshot holds the state at one entry, and not how it came to be",
    fix: ["name the node's log: node1.log", "or --summary, --verify or --at the snapshot's entry"],
    exit: exits.usage,
  });

export const logsAndSnapshots = (): OperatorError =>
  new OperatorError({
    code: "flags-disagree",
    what: "logs and snapshots are looked at one kind at a time",
    why: "what can be asked of a log is not what can be asked of a snapshot",
    fix: ["rusty-boat inspect data/node*.log", "rusty-boat inspect data/node*.snap"],
    exit: exits.usage,
  });
