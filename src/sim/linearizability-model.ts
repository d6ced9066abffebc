/**
 * What the checker must be told about the thing that was used: its states, and what each operation does to them.
 * Besides the meaning of an operation (`step`) a model says a few things about its character, each of which saves
 * the search from trying what cannot matter. A character that claims too little makes the search slow; one that
 * claims too much makes it wrong, which is why tests hold characters against `step`.
 */

/** One state of the thing. Equal states are the same primitive, so that they can be counted and remembered. */
export type ModelState = string | number | symbol | null;

/** The operation cannot have had this outcome in this state. */
export const illegal: unique symbol = Symbol("illegal");

/** "Whichever state": an operation that may matter in many, or leaves behind what depends on the one before. */
export const anyState: unique symbol = Symbol("any state");

export type Character = {
  /**
   * `observes`: never changes the state. `overwrites`: legal in every state, and the next state does not depend on
   * the one before. `adapts`: legal in every state, and what it leaves behind depends on it. `demands`: whatever
   * else.
   */
  readonly nature: "observes" | "overwrites" | "adapts" | "demands";
  /** The one state in which it is legal, or does anything at all. */
  readonly meets: ModelState | typeof anyState;
  /** The one state it leaves behind, wherever it changes anything. */
  readonly leaves: ModelState | typeof anyState;
};

/** The meaning of the operations of one partition of a history. */
export type Machine<Operation> = {
  readonly initial: ModelState;
  /** `operation` says what was asked and, where it is known, what came of it. */
  readonly step: (state: ModelState, operation: Operation) => ModelState | typeof illegal;
  readonly character: (operation: Operation) => Character;
  /** Operations of one name have the same effect and outcome in every state. */
  readonly nameOf: (operation: Operation) => string;
  /**
   * "no" only where operations that leave behind any state can never lead from the one to the other, which is a
   * state that some operation meets.
   */
  readonly canLead: (from: ModelState, to: ModelState) => "perhaps" | "no";
};

export type Model<Operation> = {
  /** Operations on different parts do not touch each other: a history is linearizable iff each part is. */
  readonly partOf: (operation: Operation) => string;
  /** It may look at all operations of the part, to tell states apart only where somebody can. */
  readonly machine: (operations: readonly Operation[]) => Machine<Operation>;
  readonly show: (operation: Operation) => string;
};

/** One operation as it was seen from outside. */
export type Recorded<Operation> = {
  readonly process: number | string;
  readonly operation: Operation;
  /**
   * When it was called, and when it returned: null where it never did, so that it may take effect at any time after
   * its call, or not at all. At one and the same moment calls come before returns, because nobody can tell.
   */
  readonly called: number;
  readonly returned: number | null;
};
