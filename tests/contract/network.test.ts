/** What every network promises (src/base/network.ts), asked of UDP on loopback and of the pretended one. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Address } from "../../src/base/address.ts";
import { must } from "../../src/base/assert.ts";
import type { Network, OnDatagram } from "../../src/base/network.ts";
import { seededRandom } from "../../src/base/random.ts";
import { openSocket } from "../../src/runtime/socket.ts";
import { SimClock } from "../../src/sim/clock.ts";
import { SimNetwork } from "../../src/sim/network.ts";

type World = {
  readonly open: (onDatagram: OnDatagram) => Promise<Network>;
  /** Lets time pass until the promise is settled. */
  readonly until: <T>(settled: Promise<T>) => Promise<T>;
};

function pretended(): World {
  const clock = new SimClock();
  const network = new SimNetwork(clock, seededRandom(1));
  let port = 5000;
  return {
    open: async (onDatagram) => {
      port += 1;
      return network.open({ host: "127.0.0.1", port }, onDatagram);
    },
    until: (settled) => {
      clock.run(1000);
      return settled;
    },
  };
}

const real = (): World => ({
  open: (onDatagram) => openSocket({ host: "127.0.0.1", port: 0 }, { onDatagram }),
  until: (settled) => settled,
});

type Arrival = { readonly from: Address; readonly bytes: Uint8Array };

/** A socket whose arrivals can be waited for. */
async function mailbox(world: World, opened: Network[]) {
  const arrived: Arrival[] = [];
  let look: () => void = () => {};
  const network = await world.open((from, bytes) => {
    arrived.push({ from, bytes });
    look();
  });
  opened.push(network);
  const count = (wanted: number): Promise<readonly Arrival[]> =>
    world.until(
      new Promise((resolve) => {
        look = () => {
          if (arrived.length >= wanted) resolve(arrived);
        };
        look();
      }),
    );
  return { network, arrived, count };
}

describe.each([
  { name: "UDP on loopback", make: real },
  { name: "the pretended network", make: pretended },
])("$name", ({ make }) => {
  const opened: Network[] = [];
  afterEach(() => {
    for (const network of opened.splice(0)) network.close();
  });

  test("what arrives is what was sent, with the sender's address", async () => {
    const world = make();
    const [one, two] = [await mailbox(world, opened), await mailbox(world, opened)];
    const bytes = new Uint8Array([1, 2, 3, 0, 255]);
    one.network.send([{ to: two.network.address, bytes }]);
    const [arrival] = await two.count(1);
    expect(arrival).toEqual({ from: one.network.address, bytes });
  });

  test("an empty datagram and the largest one arrive; a larger one does not, and nothing is thrown", async () => {
    const world = make();
    const [one, two] = [await mailbox(world, opened), await mailbox(world, opened)];
    const to = two.network.address;
    const sizes = [65_508, 65_507, 1];
    one.network.send(sizes.map((size) => ({ to, bytes: new Uint8Array(size).fill(7) })));
    const arrivals = await two.count(2);
    expect(arrivals.map(({ bytes }) => bytes.length).sort((a, b) => a - b)).toEqual([1, 65_507]);
  });

  test("the receiver may keep the bytes: later datagrams do not change them", async () => {
    const world = make();
    const [one, two] = [await mailbox(world, opened), await mailbox(world, opened)];
    const to = two.network.address;
    const fills = [1, 2, 3, 4, 5];
    one.network.send(fills.map((fill) => ({ to, bytes: new Uint8Array(100).fill(fill) })));
    const arrivals = await two.count(fills.length);
    for (const { bytes } of arrivals) expect(new Set(bytes).size).toBe(1);
    expect(arrivals.map(({ bytes }) => must(bytes[0], "a first byte")).sort()).toEqual(fills);
  });

  test("the sender may reuse its buffer after the call", async () => {
    const world = make();
    const [one, two] = [await mailbox(world, opened), await mailbox(world, opened)];
    const bytes = new Uint8Array(10).fill(9);
    one.network.send([{ to: two.network.address, bytes }]);
    bytes.fill(0);
    const [arrival] = await two.count(1);
    expect(arrival?.bytes).toEqual(new Uint8Array(10).fill(9));
  });

  test("sending to nobody is no error, and others still hear", async () => {
    const world = make();
    const [one, two, gone] = [
      await mailbox(world, opened),
      await mailbox(world, opened),
      await mailbox(world, opened),
    ];
    gone.network.close();
    const bytes = new Uint8Array([1]);
    one.network.send([{ to: gone.network.address, bytes }]);
    one.network.send([{ to: two.network.address, bytes }]);
    expect(await two.count(1)).toHaveLength(1);
    expect(gone.arrived).toEqual([]);
  });

  test("nothing leaves a closed socket, and nothing is thrown", async () => {
    const world = make();
    const [one, two] = [await mailbox(world, opened), await mailbox(world, opened)];
    const to = two.network.address;
    one.network.close();
    one.network.send([{ to, bytes: new Uint8Array([1]) }]);
    const three = await mailbox(world, opened);
    three.network.send([{ to, bytes: new Uint8Array([3]) }]);
    const arrivals = await two.count(1);
    expect(arrivals.map(({ bytes }) => bytes[0])).toEqual([3]);
  });
});
