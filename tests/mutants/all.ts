/** All seeded bugs, in the order in which they are tried. */
import { clientMutants } from "./client.ts";
import { codecMutants } from "./codec.ts";
import { comparisonMutants } from "./comparison.ts";
import { errandMutants } from "./errands.ts";
import { journalMutants } from "./journal.ts";
import { journalSnapshotMutants } from "./journal-snapshots.ts";
import { kvMutants } from "./kv.ts";
import { leaseMutants } from "./leases.ts";
import { lockMutants } from "./locks.ts";
import type { Mutant } from "./mutant.ts";
import { raftElectionMutants } from "./raft-elections.ts";
import { raftMembershipMutants } from "./raft-membership.ts";
import { raftReplicationMutants } from "./raft-replication.ts";
import { readMutants } from "./reads.ts";
import { repairMutants } from "./repair.ts";
import { replicaMutants } from "./replica.ts";
import { snapshotMutants } from "./snapshots.ts";
import { watchMutants } from "./watches.ts";
import { worldMutants } from "./world.ts";

export const mutants: readonly Mutant[] = [
  ...raftElectionMutants,
  ...raftMembershipMutants,
  ...raftReplicationMutants,
  ...journalMutants,
  ...journalSnapshotMutants,
  ...repairMutants,
  ...replicaMutants,
  ...snapshotMutants,
  ...readMutants,
  ...watchMutants,
  ...comparisonMutants,
  ...codecMutants,
  ...kvMutants,
  ...leaseMutants,
  ...lockMutants,
  ...errandMutants,
  ...clientMutants,
  ...worldMutants,
];
