/** Host names to numbers: sockets take numbers only. */
import { isLoopback } from "../base/address.ts";

/** The one spelling that sockets report. */
function canonicalV6(host: string): string | null {
  const spelled = URL.parse(`http://[${host}]/`)?.hostname;
  return spelled === undefined ? null : spelled.slice(1, -1);
}

/** The numeric address of a host, or null where its name leads nowhere. */
export async function numericHost(host: string): Promise<string | null> {
  if (/^[\d.]+$/.test(host)) return host;
  if (host.includes(":")) return canonicalV6(host);
  if (isLoopback(host)) return "127.0.0.1";
  try {
    const [first] = await Bun.dns.lookup(host);
    return first?.address ?? null;
  } catch {
    return null;
  }
}
