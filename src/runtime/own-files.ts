/**
 * Which files in a data folder are ours: `--fresh` removes these and touches nothing else. Locks stay: two processes
 * could lock two files of one name.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const ownNames = [
  /^node\d+\.(log|txt|snap)$/,
  /** Sealed segments, snapshots, and what was cut off or left half made. */
  /^node\d+\.(\d+\.)?(log|snap)(\.[\w-]+)?$/,
  /^cluster\.json(\.new)?$/,
  /^cluster\.txt$/,
];

export const isOwnFile = (name: string): boolean => ownNames.some((pattern) => pattern.test(name));

/** The names of what was removed. A folder that does not exist has nothing to remove. */
export function removeOwnFiles(dataFolder: string): readonly string[] {
  const names = namesIn(dataFolder).filter(isOwnFile);
  for (const name of names) rmSync(join(dataFolder, name));
  return names;
}

/** Whether some node has kept something here. */
export const holdsNodes = (dataFolder: string): boolean =>
  namesIn(dataFolder).some((name) => /^node\d+\.log$/.test(name));

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
