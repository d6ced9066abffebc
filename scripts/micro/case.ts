/** One thing on the path of a request that is measured by itself. */

/**
 * `prepare` makes what `work` is given; only `work` is measured. It does `times` of what the name says, so many that
 * reading the clock does not count.
 */
export type Case = {
  readonly name: string;
  readonly times: number;
  /** Takes away what it has made outside of memory. */
  readonly close?: () => void;
  readonly run: Prepared<unknown>;
};

type Prepared<T> = { readonly prepare: () => T; readonly work: (prepared: T) => unknown };

/** The type of what is prepared stays between the two functions. */
export const microCase = <T>(
  parts: Omit<Case, "run"> & Prepared<T> & { readonly close?: () => void },
): Case => {
  const { prepare, work, ...rest } = parts;
  return { ...rest, run: { prepare, work: (prepared) => work(prepared as T) } };
};

/** Nothing is prepared anew: the same input each time. */
export const repeated = <T>(
  name: string,
  inputs: readonly T[],
  work: (input: T) => unknown,
): Case =>
  microCase({
    name,
    times: inputs.length,
    prepare: () => inputs,
    work: (all) => {
      let last: unknown;
      for (const input of all) last = work(input);
      return last;
    },
  });
