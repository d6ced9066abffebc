/** Host names to numbers: sockets take numbers only. */
import { isLoopback } from "../base/address.ts";

/** The numeric address of a host, or null where its name leads nowhere. */
export async function numericHost(host: string): Promise<string | null> {
  if (/^[\d.]+$/.test(host) || host.includes(":")) return host;
  if (isLoopback(host)) return "127.0.0.1";
  try {
    const [first] = await Bun.dns.lookup(host);
    return first?.address ?? null;
  } catch {
    return null;
  }
}
