/** Seeded bugs of commands under a lock: when they are started and ended, and who gives the lock back. */
import type { Mutant } from "./mutant.ts";

export const errandMutants: readonly Mutant[] = [
  {
    name: "interrupted-wait-goes-on",
    why: "Who is told to end while it waits for a lock starts its command later all the same.",
    file: "client/errand.ts",
    before: `if (endsWaiting(signal)) this.#leave({ kind: "interrupted", signal }, now);`,
    after: `if (!endsWaiting(signal)) this.#leave({ kind: "busy", behind: null }, now);`,
  },
  {
    name: "lock-given-back-with-the-signal",
    why: "The lock is another's while a command that was only told to end still runs.",
    file: "client/errand.ts",
    before: `        this.#passing.push({ kind: "signal", signal });
        return;`,
    after: `        this.#passing.push({ kind: "signal", signal });
        this.#contender.leave(now);
        return;`,
  },
  {
    name: "lost-command-is-only-asked",
    why: "A command that does not obey runs on under another's lock.",
    file: "client/errand.ts",
    before: 'if (now < this.#phase.killAt || this.#killed === "yes") return;',
    after: "if (now < this.#phase.killAt || now > 0) return;",
  },
  {
    name: "grace-beyond-the-lease",
    why: "Whoever notices late that its lease has ended gives its command time all the same.",
    file: "client/errand.ts",
    before: "const killAt = earliest(overBy, later(now, graceMs));",
    after: "const killAt = now + graceMs > overBy ? later(now, graceMs) : overBy;",
  },
  {
    name: "whole-grace-for-an-ended-lease",
    why: "The cluster has given the lock to another, and the command has until its own lease would end.",
    file: "client/errand.ts",
    before: "const killAt = earliest(overBy, later(now, graceMs));",
    after: "const killAt = graceMs < 0 ? now : overBy;",
  },
  {
    name: "ended-well-beyond-its-lease",
    why: "A command that ran on while its keeper was stopped is said to have run under the lock.",
    file: "client/errand.ts",
    before: "} else if (now >= this.#contender.trustedUntil) {",
    after: "} else if (now < 0) {",
  },
  {
    name: "goes-on-before-it-looks",
    why: "After a stop the command goes on for a moment, though its lock may be another's.",
    file: "client/errand.ts",
    before: "return [...asked, ...steps, ...this.#asks(now), ...passed];",
    after: "return [...passed, ...asked, ...steps, ...this.#asks(now)];",
  },
  {
    name: "stragglers-of-a-lost-lock",
    why: "What a command has started runs on when the lock is lost and the command has ended.",
    file: "client/errand.ts",
    before: `    this.#steps.push({ kind: "signal", signal: "SIGKILL" });
    const verdict`,
    after: "    const verdict",
  },
  {
    name: "echo-of-ctrl-c-keeps-the-lock",
    why: "The Ctrl-C that has ended the command ends the giving back of its lock, too.",
    file: "client/errand.ts",
    before: "const isMeant = now >= later(this.#phase.since, repeatMs);",
    after: "const isMeant = now >= this.#phase.since;",
  },
  {
    name: "gives-back-for-ever",
    why: "A command has ended, and who ran it waits for a cluster that is gone.",
    file: "client/errand.ts",
    before: "if (isOut || now >= this.#phase.until) this.#end(this.#phase.verdict);",
    after: "if (isOut) this.#end(this.#phase.verdict);",
  },
  {
    name: "waits-on-beyond-its-time",
    why: "Whoever wanted to wait a while for a lock waits as long as it takes.",
    file: "client/errand.ts",
    before: "    if (now >= this.#waitUntil) {",
    after: "    if (now < 0) {",
  },
  {
    name: "no-guard",
    why: "A command whose keeper is killed runs on when its lease has ended.",
    file: "runtime/child.ts",
    before: "guard?.watch(target, parts.graceMs);",
    after: "guard?.dismiss();",
  },
  {
    name: "guard-outlives-its-command",
    why: "Where a command has ended, what it had left running is ended with its keeper.",
    file: "runtime/child.ts",
    before: `    state = "ended";
    guard?.dismiss();`,
    after: `    state = "ended";`,
  },
  {
    name: "children-of-a-command-run-on",
    why: "On a terminal only the command itself is ended, and not what it has started.",
    file: "runtime/child.ts",
    before: "for (const pid of below.now()) send(pid, name);",
    after: "below.now();",
  },
  {
    name: "ctrl-c-twice",
    why: "On a terminal one Ctrl-C reaches the command twice.",
    file: "runtime/child.ts",
    before: `if (state === "ended" || (!isOwn && fromTerminal.includes(name))) return;`,
    after: `if (state === "ended") return;`,
  },
];
