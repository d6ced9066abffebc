/** `inspect --follow` beside a node that writes: real files, real rolls, and an end by signal or by pipe. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { rootCommand } from "../../../src/cli/root.ts";
import { run } from "../../../src/cli/run.ts";
import { FileDisk } from "../../../src/runtime/disk.ts";
import { Folder, put, register, Scribe, shortLife } from "./inspect-support.ts";

const deadlineMs = 5000;

/** Collects lines, and lets a test wait for one. */
class Watched {
  text = "";
  private waiting: (() => void) | null = null;

  write(bytes: string | Uint8Array): void {
    this.text += bytes;
    this.waiting?.();
  }
  flush(): void {}

  /** Until the text holds this. */
  async until(part: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error(`no ${part} in:\n${this.text}`)), deadlineMs);
    this.waiting = () => {
      if (this.text.includes(part)) resolve();
    };
    this.waiting();
    await promise.finally(() => clearTimeout(late));
  }
}

class Following {
  readonly stdout = new Watched();
  readonly stderr = new Watched();
  readonly exit: Promise<number>;

  constructor(folder: Folder, words: readonly string[] = []) {
    this.exit = run(rootCommand, {
      words: ["inspect", folder.file("node1.log"), "--follow", ...words],
      environment: {},
      stdin: "pipe",
      stdout: { sink: this.stdout, kind: "pipe" },
      stderr: { sink: this.stderr, kind: "pipe" },
    });
  }

  get indexes(): number[] {
    return [...this.stdout.text.matchAll(/^\(entry .*?\(index (\d+)\)/gm)].map(([, at]) =>
      Number(at),
    );
  }

  async interrupt(signal: "SIGINT" | "SIGTERM" = "SIGINT"): Promise<number> {
    process.emit(signal, signal);
    return this.exit;
  }
}

const scribeIn = (folder: Folder, segmentBytesMax = 1 << 20): Scribe =>
  new Scribe(1, {
    disk: new FileDisk(folder.path, () => {}),
    segmentBytesMax,
  });

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

describe("following a log", () => {
  test("shows what is there, then what comes, and ends with 130", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder).enter(1).write(["leader", register]);
    const following = new Following(folder);
    await following.stdout.until("(index 2)");
    scribe.write([put("k", "first")]);
    await following.stdout.until('"first"');
    scribe.write([put("k", "second")]);
    await following.stdout.until('"second"');
    expect(await following.interrupt()).toBe(130);
    expect(following.indexes).toEqual([1, 2, 3, 4]);
    expect(following.stderr.text).toBe("");
  });

  test("ends with 143 when it is asked to", async () => {
    using folder = new Folder();
    scribeIn(folder).enter(1).write(["leader"]);
    const following = new Following(folder);
    await following.stdout.until("(index 1)");
    expect(await following.interrupt("SIGTERM")).toBe(143);
  });

  test("loses nothing across rolls, however many come at once", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder, 4096).enter(1).write(["leader", register]);
    const following = new Following(folder);
    await following.stdout.until("(index 2)");
    for (let n = 3; n <= 100; n++) {
      scribe.write([put("k", "v".repeat(300))]);
      // Now and then it gets a turn, so that some rolls come alone and some together.
      if (n % 30 === 0) await following.stdout.until(`(index ${n})`);
    }
    await following.stdout.until("(index 100)");
    expect(scribe.disk.list().length).toBeGreaterThan(5);
    await following.interrupt();
    expect(following.indexes).toEqual(upTo(100));
    const segments = [...following.stdout.text.matchAll(/\(segment (\d+)\)/g)];
    expect(segments.map(([, number]) => Number(number))).toEqual(upTo(segments.length));
    expect(segments.length).toBe(scribe.disk.list().length);
  });

  test("waits for the rest of a write that is under way", async () => {
    using folder = new Folder();
    const whole = new Scribe().enter(1).write(["leader", register]);
    const before = whole.disk.size("node1.log");
    whole.write([put("k", "halves")]);
    const bytes = whole.disk.read("node1.log", 0, 1 << 20);
    const disk = new FileDisk(folder.path, () => {});
    disk.create("node1.log", bytes.slice(0, before));
    const following = new Following(folder);
    await following.stdout.until("(index 2)");
    disk.append("node1.log", bytes.slice(before, before + 85));
    await following.stdout.until(`(mark (offset ${before})`);
    disk.append("node1.log", bytes.slice(before + 85));
    await following.stdout.until("halves");
    await following.interrupt();
    expect(following.indexes).toEqual(upTo(3));
  });

  test("goes on when the node cuts off an unfinished write and starts again", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder).enter(1).write(["leader", register]);
    scribe.disk.append("node1.log", new Uint8Array(50).fill(7));
    const following = new Following(folder);
    await following.stdout.until("(index 2)");
    scribe
      .restart()
      .enter(2)
      .write([put("k", "after")]);
    await following.stdout.until('"after"');
    await following.interrupt();
    expect(following.indexes).toEqual(upTo(3));
  });

  test("shows of a key what becomes known, and in the end what does not", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder).enter(1).write(["leader", register]).know();
    const following = new Following(folder, ["--key", "k"]);
    scribe.write([put("k", "one"), put("other", "x")]).know();
    await following.stdout.until("(committed (written (index 3)))");
    scribe.write([put("k", "two")]);
    scribe.enter(2).write([put("k", "three")], 5);
    await following.stdout.until("(replaced (index 5) (term 2))");
    expect(await following.interrupt()).toBe(130);
    expect(following.stdout.text).toEndWith("(replaces 5 5) (open))\n");
    expect(following.indexes).toEqual([3, 5, 5]);
  });

  test("chooses as a list does", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder).enter(1).write(["leader", register]);
    const following = new Following(folder, ["--kind", "put", "--json"]);
    scribe.write([put("k", "v")]);
    await following.stdout.until('"op":"put"');
    await following.interrupt();
    expect(following.stdout.text.trimEnd().split("\n")).toHaveLength(1);
  });

  test("ends with 6 at a file that was closed with a damaged end", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder, 4096).enter(1).write(["leader", register]);
    while (scribe.disk.list().length < 2) scribe.write([put("k", "v".repeat(700))]);
    const closed = folder.file("node1.000000000000001.log");
    const next = folder.file("next");
    renameSync(folder.file("node1.log"), next);
    renameSync(closed, folder.file("node1.log"));
    const following = new Following(folder);
    const { size } = statSync(folder.file("node1.log"));
    await following.stdout.until("(index 2)");
    appendFileSync(folder.file("node1.log"), "noise");
    renameSync(folder.file("node1.log"), closed);
    renameSync(next, folder.file("node1.log"));
    expect(await following.exit).toBe(6);
    expect(following.stderr.text).toContain(`node1.000000000000001.log is damaged at byte ${size}`);
  });

  test("ends when the log is taken away and another one begins", async () => {
    using folder = new Folder();
    scribeIn(folder).enter(1).write(["leader"]);
    const following = new Following(folder);
    await following.stdout.until("(index 1)");
    rmSync(folder.file("node1.log"));
    scribeIn(folder).enter(1).write(["leader"]);
    expect(await following.exit).toBe(1);
    expect(following.stderr.text).toContain("error[log-replaced]");
  });

  test("ends quietly when nobody reads any more", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder).enter(1).write(["leader"]);
    const following = new Following(folder);
    await following.stdout.until("(index 1)");
    following.stdout.write = () => {
      throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
    };
    scribe.write(["leader"]);
    expect(await following.exit).toBe(0);
  });

  test("of a closed file is refused: it does not grow", async () => {
    using folder = new Folder();
    const scribe = scribeIn(folder, 4096).enter(1).write(["leader", register]);
    while (scribe.disk.list().length < 2) scribe.write([put("k", "v".repeat(700))]);
    const stderr = new Watched();
    const exit = await run(rootCommand, {
      words: ["inspect", folder.file("node1.000000000000001.log"), "--follow"],
      environment: {},
      stdin: "pipe",
      stdout: { sink: new Watched(), kind: "pipe" },
      stderr: { sink: stderr, kind: "pipe" },
    });
    expect(exit).toBe(2);
    expect(stderr.text).toContain("error[closed-file]");
  });
});

describe("the program itself", () => {
  const main = join(import.meta.dir, "../../../src/main.ts");
  const spawn = (command: string) =>
    Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "pipe", stdin: "ignore" });

  test("into a pipe that closes prints what was wanted and nothing else", async () => {
    const scribe = shortLife();
    for (let n = 0; n < 200; n++) scribe.write([put(`k${n}`, "v".repeat(1000))]);
    using folder = Folder.of(scribe);
    const shell = spawn(
      `{ "${process.execPath}" "${main}" inspect "${folder.file("node1.log")}"; echo exit $? >&2; } | head -1`,
    );
    expect(await new Response(shell.stdout).text()).toStartWith("(header (offset 0)");
    expect(await new Response(shell.stderr).text()).toBe("exit 0\n");
  });

  test("is ended by Ctrl-C with 130", async () => {
    using folder = Folder.of(shortLife());
    const words = [main, "inspect", folder.file("node1.log"), "--follow"];
    const child = Bun.spawn([process.execPath, ...words], { stdout: "pipe", stdin: "ignore" });
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGINT");
    await child.exited;
    expect(child.exitCode ?? child.signalCode).toBe(130);
  });
});
