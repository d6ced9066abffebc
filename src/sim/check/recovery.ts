/**
 * A restart, held against what was on the disk before: nothing that was durable is lost, nothing is believed that
 * was not written, and what is cut off is a tail that no sync had covered.
 */
import { sameBytes } from "../../base/bytes.ts";
import { activeName } from "../../journal/names.ts";
import { markRecordBytes } from "../../journal/record.ts";
import type { SimFile } from "../file.ts";
import type { SimServer } from "../server.ts";
import type { DurableImage } from "./image.ts";
import { Violation } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** How a server's last life ended, and its active file as it was then. */
export type Remains = {
  readonly file: SimFile | null;
  /** Up to here the file was certain to stay; these bytes stood after it. */
  readonly certainEnd: number;
  readonly tail: Uint8Array;
};

/** To be called while the disk is still as the server saw it. */
export function remainsOf(server: SimServer, image: DurableImage): Remains {
  const { disk, id } = server;
  const name = activeName(id);
  image.refresh();
  if (!disk.list().includes(name)) return { file: null, certainEnd: 0, tail: new Uint8Array(0) };
  const file = disk.certain.get(name) ?? null;
  const certainEnd = image.certainEnd;
  const tail = disk.read(name, certainEnd, disk.size(name));
  return { file, certainEnd, tail };
}

export function checkRecovery(
  server: SimServer,
  parts: { before: DurableImage; remains: Remains | null; after: DurableImage; witness: Witness },
): void {
  const { before, remains, after, witness } = parts;
  const { id } = server;
  checkPromises(id, before, after);
  let last = Math.min(before.lastIndex, witness.committed);
  while (last > 0 && before.termAt(last) !== witness.termAt(last)) last -= 1;
  if (after.termAt(last) !== before.termAt(last)) {
    throw new Violation("I8", `n${id} lost committed entry ${last} in a restart`);
  }
  if (remains !== null && remains.file === server.disk.certain.get(activeName(id))) {
    checkTail(server, remains);
  }
}

function checkPromises(id: number, before: DurableImage, after: DurableImage): void {
  const was = before.hardState;
  const is = after.hardState;
  if (is.term < was.term) {
    throw new Violation("I9", `n${id} was in term ${was.term}, and starts in ${is.term}`);
  }
  if (is.term > was.term || was.votedFor === null || was.votedFor === is.votedFor) return;
  throw new Violation("I11", `n${id} forgot its vote of term ${was.term} for n${was.votedFor}`);
}

/** The mark that opening adds stands at the end. What is before it was there before. */
function checkTail({ disk, id }: SimServer, { certainEnd, tail }: Remains): void {
  const name = activeName(id);
  const end = disk.size(name) - markRecordBytes;
  if (end < certainEnd) {
    throw new Violation("I22", `n${id} cut at byte ${end} of ${certainEnd} that were synced`);
  }
  const kept = disk.read(name, certainEnd, end - certainEnd);
  if (kept.length <= tail.length && sameBytes(kept, tail.subarray(0, kept.length))) return;
  throw new Violation("I22", `n${id} believes bytes after ${certainEnd} that it had not written`);
}
