/**
 * The calls of the C library that Bun has no function for: locking a file, making a drive write (on macOS, where
 * fsync stops at the drive's cache), and the size of a socket's receive buffer. Where the library cannot be loaded
 * they are absent, and whoever needs one says what it does instead.
 */
import { dlopen, FFIType } from "bun:ffi";

const { i32, ptr, u32 } = FFIType;

const signatures = {
  flock: { args: [i32, i32], returns: i32 },
  fcntl: { args: [i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
  getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
} as const;

type Libc = ReturnType<typeof dlopen<typeof signatures>>["symbols"];

const candidates: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: [
    "libc.so.6",
    process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1",
  ],
  darwin: ["libSystem.B.dylib"],
};

let loaded: Libc | null | undefined;

/** The library, or null where there is none that is known. */
export function libc(): Libc | null {
  loaded ??= load();
  return loaded;
}

function load(): Libc | null {
  for (const name of candidates[process.platform] ?? []) {
    try {
      return dlopen(name, signatures).symbols;
    } catch {
      // Another C library, then: the next name may be its.
    }
  }
  return null;
}

const darwinFullSync = 51;

/**
 * After an fsync: returns when the drive itself has written, where fsync does not see to that. A file
 * system that knows no such call has done all it can.
 */
export function flushDrive(descriptor: number): void {
  if (process.platform === "darwin") libc()?.fcntl(descriptor, darwinFullSync);
}
