/**
 * The ambient names that exist for src/raft and what it imports, and no others: its tsconfig loads no types of
 * any runtime. Both are pure.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label: "utf-8", options: { fatal: true; ignoreBOM: true });
  decode(bytes: Uint8Array): string;
}
