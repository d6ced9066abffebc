/**
 * The two calls of the C library that Bun has no function for: locking a file, and (on macOS, where
 * fsync stops at the drive's cache) making the drive write. Where the library cannot be loaded both
 * are absent, and whoever needs them says what it does instead.
 */
import { dlopen, FFIType } from "bun:ffi";

type Libc = {
  /** 0 when it worked. */
  readonly flock: (descriptor: number, operation: number) => number;
  readonly fcntl: (descriptor: number, command: number) => number;
};

const candidates: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: [
    "libc.so.6",
    process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1",
  ],
  darwin: ["libSystem.B.dylib"],
};

const twoIntegers = { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } as const;

let loaded: Libc | null | undefined;

/** The library, or null where there is none that is known. */
export function libc(): Libc | null {
  loaded ??= load();
  return loaded;
}

function load(): Libc | null {
  for (const name of candidates[process.platform] ?? []) {
    try {
      return dlopen(name, { flock: twoIntegers, fcntl: twoIntegers }).symbols;
    } catch {
      // Another C library, then: the next name may be its.
    }
  }
  return null;
}

const darwinFullSync = 51;

/**
 * After an fsync: returns when the drive itself has written, where fsync does not see to that. A
 * file system that knows no such call has done all it can.
 */
export function flushDrive(descriptor: number): void {
  if (process.platform === "darwin") libc()?.fcntl(descriptor, darwinFullSync);
}
