/** Events as lines on stdout, in the order in which they happened. */
import { ClosedPipe, type Output } from "../output.ts";
import { eventResult, type ShownEvent } from "./event-view.ts";

/** Where the events of a supervised cluster go: lines, or a live view. */
export interface Shower {
  readonly show: (event: ShownEvent) => void;
  /** Resolves when nobody is left to show anything to. */
  readonly closed: Promise<"closed">;
  /** Resolves when everything has been shown. */
  readonly close: () => Promise<void>;
}

export class EventLines implements Shower {
  readonly #output: Output;
  readonly #closed = Promise.withResolvers<"closed">();
  #written: Promise<void> = Promise.resolve();

  constructor(output: Output) {
    this.#output = output;
  }

  get closed(): Promise<"closed"> {
    return this.#closed.promise;
  }

  readonly show = (event: ShownEvent): void => {
    this.#written = this.#written.then(() => this.#write(event));
  };

  readonly close = (): Promise<void> => this.#written;

  async #write(event: ShownEvent): Promise<void> {
    try {
      await this.#output.result(eventResult(event));
      await this.#output.flush();
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
      this.#closed.resolve("closed");
    }
  }
}
