import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Synced } from "../../src/journal/disk.ts";
import { FileDisk } from "../../src/runtime/disk.ts";
import { SimDisk } from "../../src/sim/disk.ts";
import { diskContract } from "./disk-contract.ts";

diskContract("the pretend disk", () => {
  const next = Promise.withResolvers<Synced>();
  const disk: SimDisk = new SimDisk({
    folder: "data",
    onSyncStarted: (ticket) => queueMicrotask(() => next.resolve(disk.finishSync(ticket))),
  });
  return { disk, nextSynced: () => next.promise, dispose: () => {} };
});

diskContract("the real disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "rusty-boat-disk-"));
  const next = Promise.withResolvers<Synced>();
  const disk = new FileDisk(join(folder, "deep", "data"), next.resolve);
  const dispose = (): void => {
    disk.close();
    rmSync(folder, { recursive: true });
  };
  return { disk, nextSynced: () => next.promise, dispose };
});
