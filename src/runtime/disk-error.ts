/**
 * What the system says of files, in the words of the Disk contract. What is no system error passes
 * through.
 */
import { DiskError, type DiskErrorCode, type DiskOperation } from "../journal/disk.ts";

/** Does it, and says in the disk's own terms what went wrong. */
export function guarded<T>(operation: DiskOperation, file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw diskError(operation, file, error);
  }
}

export function diskError(operation: DiskOperation, file: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error;
  if (!isSystemError(error)) throw error;
  return new DiskError({ code: codeOf(error.code), operation, file, detail: error.message });
}

const isSystemError = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string";

function codeOf(code: string): DiskErrorCode {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "disk-full";
    case "ENOENT":
    case "ENOTDIR":
      return "missing";
    case "EEXIST":
      return "exists";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "permission";
    case "EMFILE":
    case "ENFILE":
      return "too-many-files";
    default:
      return "io";
  }
}
