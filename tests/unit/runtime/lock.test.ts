/** The lock of a journal: one process at a time, and none that is dead. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../../../src/base/error.ts";
import { nodeId } from "../../../src/base/numbers.ts";
import { bestMechanism, type LockMechanism, lockJournal } from "../../../src/runtime/lock.ts";

const me = nodeId(1);
const lockModule = join(import.meta.dir, "../../../src/runtime/lock.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rusty-boat-lock-"));
});
/** Ended after each test, also after one that failed. */
const holders: Bun.Subprocess[] = [];
afterEach(() => {
  for (const child of holders.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Another process that takes the lock, says so, and keeps it until it ends. */
async function holder(mechanism: LockMechanism): Promise<Bun.Subprocess> {
  const program = `
    import { lockJournal } from ${JSON.stringify(lockModule)};
    lockJournal(${JSON.stringify(folder)}, 1, ${JSON.stringify(mechanism)});
    Bun.gc(true);
    console.log("locked");
    setInterval(() => {}, 1000);
  `;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  holders.push(child);
  await child.stdout.getReader().read();
  return child;
}

function refusal(mechanism: LockMechanism): OperatorError["parts"] {
  try {
    lockJournal(folder, me, mechanism);
  } catch (error) {
    if (error instanceof OperatorError) return error.parts;
    throw error;
  }
  throw new Error("it was locked");
}

test("on this system the kernel's own lock can be called", () => {
  if (process.platform === "linux" || process.platform === "darwin") {
    expect(bestMechanism()).toBe("flock");
  }
});

for (const mechanism of ["flock", "sqlite"] as const) {
  describe(`the lock by ${mechanism}`, () => {
    test("is refused while another process has it, and names that process", async () => {
      const child = await holder(mechanism);
      expect(refusal(mechanism)).toMatchObject({
        code: "folder-locked",
        exit: 7,
        what: `node 1 is already running on ${folder}`,
        why: `process ${child.pid} holds ${join(folder, "node1.lock")}`,
      });
      child.kill("SIGKILL");
      await child.exited;
    });

    test("ends with its process, however that ends", async () => {
      const child = await holder(mechanism);
      child.kill("SIGKILL");
      await child.exited;
      expect(readFileSync(join(folder, "node1.lock"), "utf8")).toBe(`${child.pid}\n`);
      lockJournal(folder, me, mechanism).release();
    });

    test("does not believe a number: a file that names a living process locks nothing", () => {
      writeFileSync(join(folder, "node1.lock"), `${process.ppid}\n`);
      lockJournal(folder, me, mechanism).release();
    });

    test("is refused to a second opener in the same process, until it is released", () => {
      const first = lockJournal(folder, me, mechanism);
      expect(first.mechanism).toBe(mechanism);
      expect(refusal(mechanism).code).toBe("folder-locked");
      first.release();
      lockJournal(folder, me, mechanism).release();
    });

    test("of one node is not that of another", () => {
      const first = lockJournal(folder, me, mechanism);
      lockJournal(folder, nodeId(2), mechanism).release();
      first.release();
    });
  });
}

test("a folder that cannot be written to is the operator's problem", () => {
  expect(() => lockJournal(join(folder, "nowhere"), me)).toThrow(OperatorError);
});
