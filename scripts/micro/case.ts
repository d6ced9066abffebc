/** One thing on the path of a request that is measured by itself. */

/**
 * `make` builds what is around it. Then `prepare` makes what `work` is given, and only `work` is measured. It does
 * `times` of what the name says, so many that reading the clock does not count.
 */
export type Case = {
  readonly name: string;
  readonly times: number;
  readonly make: () => Bench<unknown>;
};

export type Bench<T> = {
  readonly prepare: () => T;
  readonly work: (prepared: T) => unknown;
  /** Takes away what was made outside of memory. */
  readonly close?: () => void;
};

/** The type of what is prepared stays between the two functions. */
export const microCase = <T>(parts: Omit<Case, "make"> & { make: () => Bench<T> }): Case => ({
  ...parts,
  make: () => {
    const { work, ...rest } = parts.make();
    return { ...rest, work: (prepared) => work(prepared as T) };
  },
});

/** Nothing is prepared anew: the same inputs each time. */
export const repeated = <T>(
  name: string,
  inputs: readonly T[],
  work: (input: T) => unknown,
): Case =>
  microCase({
    name,
    times: inputs.length,
    make: () => ({
      prepare: () => inputs,
      work: (all) => {
        let last: unknown;
        for (const input of all) last = work(input);
        return last;
      },
    }),
  });
