/**
 * A larger receive buffer for a UDP socket. The default holds fewer than a hundred full datagrams while the
 * receiver is busy; what does not fit is lost without a word. Bun has no call for it, so the system's own is
 * used, where it is found; elsewhere the default stays, and the caller is told.
 */
import { ptr } from "bun:ffi";
import { libc } from "./libc.ts";

const wantedBytes = 4 << 20;

export type ReceiveBuffer =
  | { readonly kind: "enlarged"; readonly bytes: number }
  | { readonly kind: "default"; readonly because: string };

/** SOL_SOCKET and SO_RCVBUF, which differ between systems. */
const options: Readonly<Partial<Record<NodeJS.Platform, { level: number; option: number }>>> = {
  linux: { level: 1, option: 8 },
  darwin: { level: 0xffff, option: 0x1002 },
};

export function enlargeReceiveBuffer(socket: object): ReceiveBuffer {
  const library = libc();
  const names = options[process.platform];
  if (library === null || names === undefined) {
    return { kind: "default", because: `no call for it is known on ${process.platform}` };
  }
  const descriptor = "fd" in socket && typeof socket.fd === "number" ? socket.fd : -1;
  if (descriptor < 0)
    return { kind: "default", because: "the socket does not tell its descriptor" };
  const value = new Int32Array([wantedBytes]);
  const length = new Uint32Array([4]);
  const { level, option } = names;
  library.setsockopt(descriptor, level, option, ptr(value), 4);
  const told = library.getsockopt(descriptor, level, option, ptr(value), ptr(length));
  if (told !== 0) return { kind: "default", because: "the system does not tell its size" };
  return { kind: "enlarged", bytes: value[0] ?? 0 };
}
