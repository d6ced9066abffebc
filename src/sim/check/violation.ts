/** What must always be true of a cluster, in sentences, by the names that docs/verification.md explains. */

export const invariants = {
  I1: "a term has one leader, ever",
  I2: "a leader only adds to its log",
  I3: "an index and a term name one entry, and one log before it, everywhere and for ever",
  I4: "a leader holds everything that was committed before its term",
  I5: "what is applied is what was committed, in order, on every server alike",
  I6: "what is committed is on the disks of a majority",
  I7: "a leader commits by an entry of its own term",
  I8: "what was committed is never taken back, nor lost in a restart",
  I9: "a server's term never goes back, restarts included",
  I10: "in one life, what is committed and applied only grows",
  I11: "a server votes once in a term, restarts included",
  I12: "no message leaves before what makes it true would survive a power cut",
  I13: "nobody gets the vote of a server whose log is more up to date",
  I14: "what a leader believes of a disk is true of it",
  I15: "along a log terms do not fall, and none is newer than the server's",
  I16: "the newest configuration in a log is in force; one change at a time, after an own commit; quorums meet",
  I17: "a snapshot holds what the committed log amounts to, and stands for nothing more",
  I18: "a request has its effect once, and its answer is the first one",
  I19: "a read sees everything that was committed before it was asked, and nothing that was not",
  I21: "what was acknowledged is committed, as it was asked; what was rejected never happens",
  I22: "a disk reads back as it was written; damage is refused and never taken for a torn write",
  I23: "a seed is a run",
  I24: "windows, queues and datagrams stay within their limits",
  I25: "a watch tells of every committed change once and in order, and of nothing else",
  I26: "cluster time passes no faster than clocks do, so no lease ends early",
  I27: "a lock has one holder at a time, and its tokens grow from holder to holder",
  L1: "a healed quorum elects one leader in time",
  L2: "a healed quorum answers every request",
  L3: "a healed quorum ends with one log and one store",
  L4: "a quorum at peace holds no elections, and says little",
  L5: "whoever watches a healed quorum is told of everything in time",
  crash: "no input makes the code throw",
} as const;

export type Invariant = keyof typeof invariants;

export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: Invariant;

  constructor(invariant: Invariant, what: string) {
    super(what);
    this.invariant = invariant;
  }
}
