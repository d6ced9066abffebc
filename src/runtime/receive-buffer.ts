/**
 * A larger receive buffer for a UDP socket. The default holds fewer than a hundred full datagrams while the
 * receiver is busy; what does not fit is lost without a word. Bun has no call for it, so the system's own is
 * used, where it is found; elsewhere the default stays, and the caller is told.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";

const receiveBufferBytes = 4 << 20;

export type ReceiveBuffer =
  | { readonly kind: "enlarged"; readonly bytes: number }
  | { readonly kind: "default"; readonly because: string };

/** SOL_SOCKET and SO_RCVBUF, which differ between systems. */
const systems: Readonly<Record<string, { library: string; level: number; option: number }>> = {
  linux: { library: "libc.so.6", level: 1, option: 8 },
  darwin: { library: "libSystem.B.dylib", level: 0xffff, option: 0x1002 },
};

export function enlargeReceiveBuffer(socket: object): ReceiveBuffer {
  const system = systems[process.platform];
  if (system === undefined) return { kind: "default", because: `unknown on ${process.platform}` };
  const fd = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
  if (fd < 0) return { kind: "default", because: "the socket does not tell its descriptor" };
  try {
    return setOption(fd, system);
  } catch (error) {
    return { kind: "default", because: error instanceof Error ? error.message : String(error) };
  }
}

function setOption(
  fd: number,
  system: { library: string; level: number; option: number },
): ReceiveBuffer {
  const { i32, ptr: pointer, u32 } = FFIType;
  const { symbols, close } = dlopen(system.library, {
    setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
    getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
  });
  const value = new Int32Array([receiveBufferBytes]);
  const length = new Uint32Array([4]);
  symbols.setsockopt(fd, system.level, system.option, ptr(value), 4);
  const read = symbols.getsockopt(fd, system.level, system.option, ptr(value), ptr(length));
  close();
  if (read !== 0) return { kind: "default", because: "the system does not tell its size" };
  return { kind: "enlarged", bytes: value[0]! };
}
