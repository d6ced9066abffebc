/** Where a datagram goes or comes from. */

export type Address = { readonly host: string; readonly port: number };

export const formatAddress = (address: Address): string =>
  address.host.includes(":")
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;

/** `host:port` or `[v6]:port`, or null. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 ? { host, port } : null;
}

export const sameAddress = (a: Address, b: Address): boolean =>
  a.port === b.port && a.host === b.host;

/** Whether datagrams to this host stay on this machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
