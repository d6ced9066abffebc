/**
 * Makes the executable: `bun scripts/build.ts [--if-stale]`. With `--if-stale`, only when a source
 * is newer. The program must not read `.env` or `bunfig.toml` from the folder it is run in, so both
 * are switched off.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";

const home = dirname(import.meta.dir);
const executable = join(home, "dist", "rusty-boat");
const madeFrom = ["package.json", "tsconfig.json", "src", "scripts/build.ts"];

function newestUnder(path: string): number {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  // A folder's own time tells of files that were removed.
  const inside = readdirSync(path).map((name) => newestUnder(join(path, name)));
  return Math.max(mtimeMs, ...inside);
}

function isStale(): boolean {
  const made = statSync(executable, { throwIfNoEntry: false });
  if (made === undefined) return true;
  return madeFrom.some((name) => newestUnder(join(home, name)) > made.mtimeMs);
}

async function build(): Promise<number> {
  mkdirSync(dirname(executable), { recursive: true });
  // Made aside and renamed: whoever runs the old one meanwhile is not disturbed.
  const folder = mkdtempSync(join(dirname(executable), ".build-"));
  try {
    return await buildInto(join(folder, "rusty-boat"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function buildInto(aside: string): Promise<number> {
  // This very bun, so that it need not be on the path.
  const child = Bun.spawn(
    [
      process.execPath,
      "build",
      "--compile",
      "--minify-syntax",
      "--minify-whitespace",
      "--sourcemap=inline",
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      join(home, "src", "main.ts"),
      `--outfile=${aside}`,
    ],
    { cwd: home, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  if (code !== 0) {
    process.stderr.write(`${said}${complained}`);
    return code;
  }
  chmodSync(aside, 0o755);
  renameSync(aside, executable);
  return 0;
}

const wanted = process.argv.includes("--if-stale") ? isStale() : true;
if (wanted) {
  const began = performance.now();
  process.stderr.write("building dist/rusty-boat …\n");
  const code = await build();
  if (code !== 0) process.exit(code);
  process.stderr.write(`built dist/rusty-boat in ${Math.round(performance.now() - began)} ms\n`);
}
