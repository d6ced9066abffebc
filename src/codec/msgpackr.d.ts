/**
 * The part of msgpackr that messagepack.ts uses. The package describes its default entry only; this
 * is the build without `new Function`, and without the native add-on, which has no types of its
 * own.
 */
declare module "msgpackr/index-no-eval" {
  export class Packr {
    constructor(options: {
      readonly useRecords: false;
      readonly int64AsType: "number";
      readonly moreTypes: false;
    });
    /** A view of a buffer that the next call with `resetBufferMode` overwrites. */
    pack(value: unknown, mode: number): Uint8Array;
    unpack(bytes: Uint8Array): unknown;
  }
  export const RESET_BUFFER_MODE: number;
}
