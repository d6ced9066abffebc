/** Seeded bugs of locks: who relies on what until when, who is next, which token. */
import type { Mutant } from "./mutant.ts";

export const lockMutants: readonly Mutant[] = [
  {
    name: "lease-counted-from-its-answer",
    why: "A holder relies on a lease that began long before its answer came: two hold (I27).",
    file: "client/keeper.ts",
    before: "this.#renewedAt = millis(Math.max(this.#renewedAt, askedAt));",
    after: "this.#renewedAt = millis(Math.max(this.#renewedAt, now));",
  },
  {
    name: "holder-relies-for-ever",
    why: "A holder that cannot reach the cluster goes on while another holds (I27).",
    file: "client/contender.ts",
    before: `const hasLapsed = this.#stand.kind === "holding" && now >= this.trustedUntil;`,
    after: `const hasLapsed = this.#stand.kind === "holding" && now < 0;`,
  },
  {
    name: "unanswered-renewal-counts",
    why: "A renewal that nobody answered is taken for one that was done (I27).",
    file: "client/keeper.ts",
    before: `if (result.kind === "committed" && result.reply.kind === "lease-kept") {`,
    after: `if (result.kind !== "committed" || result.reply.kind === "lease-kept") {`,
  },
  {
    name: "holds-without-a-lease-to-rely-on",
    why: "Who learns late that it is first holds with a lease that may be gone (I27).",
    file: "client/contender.ts",
    before: `if (now < this.trustedUntil) this.#stand = { kind: "holding", token };`,
    after: `if (this.#keeper !== null) this.#stand = { kind: "holding", token };`,
  },
  {
    name: "line-in-the-order-of-keys",
    why: "Whoever drew a lower number comes in front of the holder (I27).",
    file: "client/place-in-line.ts",
    before:
      "const items = this.#items.filter(({ revision }) => revision < place);\n    items.sort((a, b) => a.revision - b.revision);",
    after:
      "const own = this.#items.findIndex(({ revision }) => revision === place);\n    const items = own < 0 ? [...this.#items] : this.#items.slice(0, own);",
  },
  {
    name: "next-in-line-takes-over",
    why: "Who stood behind somebody that is gone holds, though others stand in front (I27).",
    file: "client/contender.ts",
    before: `    this.#stand = { ...this.#stand, behind: null };
    this.#hurry(now);`,
    after: `    this.#hold(this.#stand.token, now);
    this.#hurry(now);`,
  },
  {
    name: "token-of-the-one-before",
    why: "A token is used a second time: what is guarded cannot tell two holders apart (I27).",
    file: "client/contender.ts",
    before: `this.#stand = { kind: "holding", token };`,
    after: `this.#stand = { kind: "holding", token: token - 1 };`,
  },
  {
    name: "ended-lease-is-kept",
    why: "The cluster has ended the lease, and who held with it goes on.",
    file: "client/keeper.ts",
    before: `      this.#state = "lost";
`,
    after: `      this.#againAt = now;
`,
  },
  {
    name: "another-lock-s-line",
    why: "The places of lock a/b are taken for places of lock a: nobody ever gets it.",
    file: "client/place-in-line.ts",
    before:
      "for (const item of page.items) if (isPlace(this.prefix, item.key)) this.#items.push(item);",
    after: "for (const item of page.items) this.#items.push(item);",
  },
];
