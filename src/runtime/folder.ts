/** The data folder, made so that it is still there after a power cut: its name is in a parent that is synced too. */
import { closeSync, constants, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { exits, OperatorError } from "../base/error.ts";
import { flushDrive } from "./libc.ts";

const folderMode = 0o700;

/** Makes the folder, and those above it, where there are none. Throws what the system says. */
export function makeFolder(folder: string): void {
  const path = resolve(folder);
  const made = mkdirSync(path, { recursive: true, mode: folderMode });
  if (made === undefined) return syncReadableFolder(dirname(path));
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    syncFolderAt(parent);
    if (parent === dirname(made)) return;
  }
}

/** The same, for an operator. */
export function makeDataFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new OperatorError({
      code: "folder-unusable",
      what: `the data folder ${folder} cannot be made`,
      why: error instanceof Error ? error.message : String(error),
      fix: ["name another one, where you may write: --data FOLDER"],
      exit: exits.local,
    });
  }
}

/** Whoever made the folder may have ended before it was durable; whoever may not read above it trusts that. */
function syncReadableFolder(path: string): void {
  try {
    syncFolderAt(path);
  } catch (error) {
    const denied = error instanceof Error && "code" in error && error.code === "EACCES";
    if (!denied) throw error;
  }
}

export function syncFolderAt(path: string): void {
  // Windows opens no folders; its file systems keep names in a log of their own.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
    flushDrive(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
