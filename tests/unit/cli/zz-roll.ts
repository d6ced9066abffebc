import { Scribe, put, register, inspect, Folder } from "./inspect-support.ts";
import { FileDisk } from "../../../src/runtime/disk.ts";
if (process.argv[2] === "write") {
  const scribe = new Scribe(1, { disk: new FileDisk("/tmp/roll", () => {}), segmentBytesMax: 4096 });
  scribe.enter(1).write(["leader", register]);
  const end = Date.now() + 12000;
  while (Date.now() < end) { scribe.write([put("k", "v".repeat(1500))]); scribe.know(); }
} else {
  const child = Bun.spawn([process.execPath, import.meta.path, "write"], {stdio:["ignore","inherit","inherit"]});
  await Bun.sleep(300);
  const folder = { path: "/tmp/roll" } as Folder; const seen = new Map<string, number>();
  const end = Date.now() + 11000; let n=0;
  while (Date.now() < end) { for (const w of [["--verify"],["--kind","header"]]) { const r = await inspect(folder, ["data/node1.log", ...w]); const k = `${w[0]} ${r.exit} ${r.exit ? r.stderr.split("\n").slice(0,2).join("|") : r.stdout.split(" ")[0]}`; seen.set(k,(seen.get(k)??0)+1);} n++; }
  console.log(n, seen); child.kill(); await child.exited;
}
