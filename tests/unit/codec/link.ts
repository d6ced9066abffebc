/** Two endpoints of transfers and a link between them that loses, repeats and reorders. */
import { later, type Millis, millis } from "../../../src/base/numbers.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type { DatagramKind } from "../../../src/codec/kinds.ts";
import { type TransferDatagram, Transfers } from "../../../src/codec/transfer.ts";

export type Weather = {
  readonly seed: number;
  /** In percent, of every datagram. */
  readonly loss: number;
  readonly repeat: number;
  readonly delayMsMax: number;
};

export type Delivered = { readonly inner: DatagramKind; readonly body: Uint8Array };

type Place = "left" | "right";
type InFlight = TransferDatagram<Place> & { readonly from: Place; readonly at: Millis };

export const fairWeather: Weather = { seed: 1, loss: 0, repeat: 0, delayMsMax: 1 };

const other = (place: Place): Place => (place === "left" ? "right" : "left");

export class Link {
  now: Millis = millis(0);
  readonly ends: Record<Place, Transfers<Place>>;
  readonly delivered: Record<Place, Delivered[]> = { left: [], right: [] };
  sent = 0;
  private readonly random: Random;
  private inFlight: InFlight[] = [];
  private readonly weather: Weather;
  private readonly chunkBodyBytes: number;

  constructor(weather: Weather, chunkBodyBytes = 1158) {
    this.weather = weather;
    this.chunkBodyBytes = chunkBodyBytes;
    this.random = seededRandom(weather.seed);
    this.ends = { left: this.fresh(), right: this.fresh() };
  }

  /** The endpoint as a new process has it. */
  restart(place: Place): void {
    this.ends[place] = this.fresh();
  }

  /** Until nothing is under way and no transfer waits, or the time is over. */
  run(untilMs: number): void {
    while (this.now < untilMs) {
      this.exchange("left");
      this.exchange("right");
      if (this.step() === "idle") return;
    }
  }

  /** To the next arrival or deadline. */
  private step(): "stepped" | "idle" {
    const { left, right } = this.ends;
    const waiting = left.pendingTo("right") + right.pendingTo("left");
    if (waiting === 0 && this.inFlight.length === 0) return "idle";
    let next = Math.min(left.nextDeadline(), right.nextDeadline());
    for (const { at } of this.inFlight) next = Math.min(next, at);
    this.now = millis(Math.max(this.now, next));
    const arrived = this.inFlight.filter(({ at }) => at <= this.now);
    this.inFlight = this.inFlight.filter(({ at }) => at > this.now);
    for (const datagram of arrived) this.arrive(datagram);
    return "stepped";
  }

  private exchange(from: Place): void {
    for (const datagram of this.ends[from].take(this.now)) {
      this.sent++;
      const copies = this.chance(this.weather.repeat) === "hit" ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        if (this.chance(this.weather.loss) === "hit") continue;
        const at = later(this.now, 1 + this.random.below(this.weather.delayMsMax));
        this.inFlight.push({ ...datagram, from, at });
      }
    }
  }

  private arrive({ from, kind, body }: InFlight): void {
    const end = this.ends[other(from)];
    const { now } = this;
    if (kind === "peer-chunk-ack") {
      end.receiveAck({ from, body, now });
      return;
    }
    // In a buffer that is used again, as a socket's.
    const buffer = Buffer.from(body);
    const received = end.receiveChunk({ from, body: buffer, now });
    buffer.fill(0xee);
    if (received.kind === "whole") this.delivered[other(from)].push(received);
  }

  private chance(percent: number): "hit" | "miss" {
    return this.random.below(100) < percent ? "hit" : "miss";
  }

  private fresh(): Transfers<Place> {
    const { chunkBodyBytes, random } = this;
    return new Transfers<Place>({ group: "peer", chunkBodyBytes, random });
  }
}
