/** Many lines, handed to stdout in large pieces. */
import type { Output } from "../output.ts";

const pieceLength = 1 << 16;

export class Lines {
  private readonly output: Output;
  private text = "";

  constructor(output: Output) {
    this.output = output;
  }

  add(line: string): void {
    this.text += `${line}\n`;
  }

  /** To be looked at after every line: then it is time to send. */
  get isFull(): boolean {
    return this.text.length >= pieceLength;
  }

  async send(): Promise<void> {
    if (this.text === "") return;
    const { text } = this;
    this.text = "";
    await this.output.raw(text);
    // A signal is heard only between two turns of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Also out of every buffer on the way, for a reader who waits. */
  async flush(): Promise<void> {
    await this.send();
    await this.output.flush();
  }
}
