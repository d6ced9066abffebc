/** Seeded bugs of src/client: what a client says of its writes, and how it repeats them. */
import type { Mutant } from "./mutant.ts";

export const clientMutants: readonly Mutant[] = [
  {
    name: "doubt-reported-as-failure",
    why: "A write that may yet be committed is called rejected (I21, I19).",
    file: "client/core.ts",
    before: `if (isWrite(pending.work) && isInDoubt(pending)) doubt(core, pending, "deadline");`,
    after: `if (isWrite(pending.work) && pending.tries < 0) doubt(core, pending, "deadline");`,
  },
  {
    name: "unanswered-try-counts-as-harmless",
    why: "A write of which one try is unanswered is called rejected (I21).",
    file: "client/requests.ts",
    before: `pending.earlier === "in-doubt" || pending.open.length > 0;`,
    after: `pending.earlier === "in-doubt";`,
  },
  {
    name: "forgotten-try-counts-as-harmless",
    why: "A try that is too old to be kept is forgotten, and its write called rejected (I21).",
    file: "client/requests.ts",
    before: `      pending.earlier = "in-doubt";
`,
    after: "",
  },
  {
    name: "refusal-settles-the-datagram-s-copies",
    why: "A copy of a refused datagram, made by the network, reaches a leader after all (I21).",
    file: "client/answers.ts",
    before: "if (!isLoopback(node.address.host)) return true;",
    after: "if (node.heardAt < 0) return true;",
  },
  {
    name: "refusal-settles-the-copies-of-pieces",
    why: "A piece of a large write that was refused is sent again, and its copy reaches a leader (I21).",
    file: "client/answers.ts",
    before: `return body?.kind === "write" && core.wire.sizeOf(body.command.length) === "large";`,
    after: `return body?.kind === "write" && core.wire.sizeOf(body.command.length) !== "small" && core.now < 0;`,
  },
  {
    name: "late-answer-ends-the-session",
    why: "An answer to the session before takes the present one away (found by a review).",
    file: "client/answers.ts",
    before: `  if (pending.requestId?.session !== session) return;
`,
    after: "",
  },
  {
    name: "repeated-under-a-new-number",
    why: "Each try of a write has a number of its own, and takes effect again (I18).",
    file: "client/requests.ts",
    before: `pending.place = "queued";
    (goes`,
    after: `pending.place = "queued";
    if (pending.session !== null) {
      pending.requestId = null;
      pending.body = null;
    }
    (goes`,
  },
  {
    name: "write-repeated-in-a-new-session",
    why: "A write whose session is forgotten is sent again in the next one (I18).",
    file: "client/answers.ts",
    before: `  if (isWrite(pending.work)) {
    doubt(core, pending, "session-lost");
    return;
  }
`,
    after: "",
  },
  {
    name: "acknowledges-what-is-under-way",
    why: "The cluster forgets a reply that the client still waits for (I18).",
    file: "client/session.ts",
    before: "while (this.#settled.delete(this.acknowledged)) this.acknowledged++;",
    after: "this.acknowledged = Math.max(this.acknowledged, sequence + 1);",
  },
  {
    name: "acknowledges-what-is-in-doubt",
    why: "A write of unknown outcome cannot be sent again under its name (I18).",
    file: "client/session.ts",
    before: "this.#holes.add(sequence);",
    after: "this.settle(sequence);",
  },
  {
    name: "window-not-kept",
    why: "More writes are under way than the cluster remembers replies for (I24).",
    file: "client/session.ts",
    before: `if (this.#next < this.acknowledged + this.#window) return "open";`,
    after: `if (this.#next > 0) return "open";`,
  },
  {
    name: "window-blocked-by-a-hole",
    why: "A write of unknown outcome stops all writes of the client for ever (liveness).",
    file: "client/session.ts",
    before: `return this.#holes.has(this.acknowledged) ? "used-up" : "full";`,
    after: `return "full";`,
  },
  {
    name: "writes-sent-on-a-guess",
    why: "In an outage writes are in doubt that need never have been sent.",
    file: "client/dispatch.ts",
    before: `  if (core.finder.confidence === "guess") return "leader-unsure";
`,
    after: "",
  },
  {
    name: "old-redirection-moves-the-search",
    why: "Answers from before the last move turn a client away from the leader it found.",
    file: "client/finder.ts",
    before: `  redirected(move: number, hint: Node | null, now: Millis): void {
    if (move !== this.move) return;`,
    after: "  redirected(_move: number, hint: Node | null, now: Millis): void {",
  },
  {
    name: "superseded-write-waits",
    why: "A write whose entry was replaced is sent again only when its answer is overdue.",
    file: "client/answers.ts",
    before: `case "superseded":
      if (isNewest) core.requests.queue(pending);
      return;`,
    after: `case "superseded":
      return;`,
  },
  {
    name: "silent-leader-is-waited-for",
    why: "A client never turns from a leader that has crashed (liveness).",
    file: "client/nodes.ts",
    before: "if (node.misses > 1 || node.heardAt === longAgo) this.suspect(node, now);",
    after: "if (node.misses > 1 && node.heardAt === longAgo) this.suspect(node, now);",
  },
];
