/**
 * A UDP socket: datagrams in, datagrams out. Sending never fails as far as the caller can tell, because on UDP
 * that a datagram was taken says nothing about its arrival; what the system refuses is counted.
 */
import type { Address } from "../base/address.ts";
import { formatAddress, isLoopback } from "../base/address.ts";
import { OperatorError } from "../base/error.ts";
import type { Network, OnDatagram, OutgoingDatagram } from "../base/network.ts";
import { enlargeReceiveBuffer, type ReceiveBuffer } from "./receive-buffer.ts";

export type Socket = Network & {
  readonly receiveBuffer: ReceiveBuffer;
  /** Datagrams that the system refused to take. */
  readonly refused: () => number;
};

/** Reports of earlier sends that may stand in the way of one. */
const pendingReportsMax = 8;

export type SocketEvents = {
  readonly onDatagram: OnDatagram;
  /** The system says that nobody listens where something was sent; it does not say where. */
  readonly onRefused?: () => void;
};

/** Port 0: any that is free. */
export async function openSocket(listen: Address, events: SocketEvents): Promise<Socket> {
  const sources = new AddressBook();
  const hostname =
    isLoopback(listen.host) && listen.host === "localhost" ? "127.0.0.1" : listen.host;
  const udp = await bind(listen, {
    port: listen.port,
    hostname,
    binaryType: "uint8array",
    socket: {
      data: (_socket, bytes, port, host) => {
        // The bytes are this datagram's own: the runtime reuses none.
        events.onDatagram(sources.intern(plainHost(host), port), bytes);
      },
      error: () => events.onRefused?.(),
    },
  });
  const receiveBuffer = enlargeReceiveBuffer(udp);
  let refused = 0;
  return {
    address: { host: hostname, port: udp.port },
    receiveBuffer,
    refused: () => refused,
    close: () => udp.close(),
    send(datagrams) {
      for (const datagram of datagrams) {
        if (sendOne(udp, datagram) === "refused") refused += 1;
      }
    },
  };
}

type Bound = Bun.udp.Socket<"uint8array">;

async function bind(listen: Address, options: Bun.udp.SocketOptions<"uint8array">): Promise<Bound> {
  try {
    return await Bun.udpSocket(options);
  } catch (error) {
    throw cannotListen(listen, error);
  }
}

/** A socket for IPv6 hears of IPv4 hosts as `::ffff:10.0.0.1`: the same host as `10.0.0.1`. */
const plainHost = (host: string): string =>
  host.startsWith(mappedPrefix) && host.includes(".") ? host.slice(mappedPrefix.length) : host;
const mappedPrefix = "::ffff:";

/**
 * That nobody listens at one address is reported by the next send, to whatever address it goes; that one has not
 * happened then, and is tried again.
 */
function sendOne(udp: Bound, { to, bytes }: OutgoingDatagram): "taken" | "refused" {
  for (let reports = 0; reports <= pendingReportsMax; reports++) {
    try {
      return udp.send(bytes, to.port, to.host) ? "taken" : "refused";
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ECONNREFUSED")) {
        return "refused";
      }
    }
  }
  return "refused";
}

function cannotListen(listen: Address, error: unknown): OperatorError {
  const text = formatAddress(listen);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "EADDRINUSE") {
    return new OperatorError({
      code: "port-taken",
      what: `cannot listen on ${text}`,
      why: "another program has that port, perhaps a node that is still running",
      fix: [
        "rusty-boat cluster down     if it is a cluster of yours",
        "or choose another port: --listen, or --base-port for a whole cluster",
      ],
      exit: 7,
    });
  }
  return new OperatorError({
    code: "cannot-listen",
    what: `cannot listen on ${text}`,
    why: error instanceof Error ? error.message : String(error),
    fix: ["give --listen an address of this machine"],
    exit: 7,
  });
}

/** One Address object per source, so that a busy client does not cost one per datagram. */
class AddressBook {
  private static readonly sizeMax = 4096;
  private readonly known = new Map<string, Map<number, Address>>();
  private size = 0;

  intern(host: string, port: number): Address {
    let ports = this.known.get(host);
    if (ports === undefined) {
      ports = new Map();
      this.known.set(host, ports);
    }
    const found = ports.get(port);
    if (found !== undefined) return found;
    if (this.size >= AddressBook.sizeMax) {
      this.known.clear();
      ports = new Map([[port, { host, port }]]);
      this.known.set(host, ports);
      this.size = 0;
    }
    const address = { host, port };
    ports.set(port, address);
    this.size += 1;
    return address;
  }
}
