/** How long a snapshot is sent to one that comes no further. */
import { expect, test } from "bun:test";
import { logIndex, millis, nodeId, term } from "../../../src/base/numbers.ts";
import type { SnapshotResponse } from "../../../src/raft/message.ts";
import { snapshotFile } from "../../../src/replica/snapshot-file.ts";
import { SnapshotSending } from "../../../src/replica/snapshot-sending.ts";

const id = { last: { index: logIndex(9), term: term(2) }, bytes: 1000, checksum: 5 };
const configuration = { voters: [nodeId(1), nodeId(2)], outgoing: [], learners: [] };

test("who begins again and again has come no further: patience with it ends", () => {
  const end = { last: id.last, time: millis(0), configuration };
  const sending = new SnapshotSending({
    ...{ to: nodeId(2), source: snapshotFile(nodeId(1), id, end), pieceBytes: 100 },
    ...{ heartbeatMs: 60, takeTicket: () => 1, now: millis(0) },
  });
  const hear = (at: number, received: number) => {
    const answer: SnapshotResponse = {
      ...{ kind: "snapshot-response", from: nodeId(2), to: nodeId(1), term: term(2) },
      ...{ snapshot: id, received },
    };
    return sending.onResponse(millis(at), answer);
  };
  hear(10, 100);
  hear(20, 200);
  expect(sending.idleSince).toBe(millis(20));
  expect(hear(30, 0)).toBe("elsewhere");
  hear(40, 100);
  hear(50, 200);
  expect(sending.idleSince).toBe(millis(20));
  hear(60, 300);
  expect(sending.idleSince).toBe(millis(60));
});
