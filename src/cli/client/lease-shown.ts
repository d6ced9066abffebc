/** Answers about leases as they are printed, in three notations. Names and shapes are a contract: docs/cli.md. */
import type { LeaseItem, Operation, Reply } from "../../kv/command.ts";
import { form, list, type SexpInput, symbol, word } from "../../sexp/value.ts";
import type { Paint } from "../paint.ts";
import { formatDuration } from "../quantity.ts";
import { roundedMs } from "./notation.ts";
import type { Scene } from "./operate.ts";
import { type Answer, placeText } from "./shown.ts";

type LeaseOperation = Extract<
  Operation,
  { kind: "lease-grant" | "lease-revoke" | "lease-keep-alive" | "leases" }
>;

export async function showLeaseReply(
  scene: Scene,
  operation: LeaseOperation,
  { reply, answer }: { readonly reply: Reply; readonly answer: Answer },
): Promise<"shown" | "not-an-answer"> {
  switch (reply.kind) {
    case "lease-granted": {
      if (operation.kind !== "lease-grant") return "not-an-answer";
      const { ttlMs } = operation;
      const text = `lease ${reply.lease} for ${formatDuration(ttlMs)}`;
      await showDone(scene, answer, { name: "lease-grant-ok", text, lease: reply.lease, ttlMs });
      return "shown";
    }
    case "lease-kept": {
      if (operation.kind !== "lease-keep-alive") return "not-an-answer";
      const { lease, ttlMs } = reply;
      const text = `lease ${lease} for another ${formatDuration(ttlMs)}`;
      await showDone(scene, answer, { name: "lease-keep-alive-ok", text, lease, ttlMs });
      return "shown";
    }
    case "lease-revoked": {
      if (operation.kind !== "lease-revoke") return "not-an-answer";
      const { lease, keys } = reply;
      const text = `lease ${lease} is revoked, and ${keysText(keys)} with it`;
      await showDone(scene, answer, { name: "lease-revoke-ok", text, lease, keys });
      return "shown";
    }
    case "leases-listed":
      if (operation.kind !== "leases") return "not-an-answer";
      await showLeases(scene, reply);
      return "shown";
    default:
      return "not-an-answer";
  }
}

const keysText = (count: number): string => `${count} ${count === 1 ? "key" : "keys"}`;

type Done = {
  readonly name: string;
  readonly text: string;
  readonly lease: number;
  readonly ttlMs?: number;
  readonly keys?: number;
};

function showDone({ program }: Scene, answer: Answer, done: Done): Promise<void> {
  const { index, term } = answer;
  const { name, text, ...fields } = done;
  const { paint } = program.output;
  return program.output.result({
    text: () => `${paint.green("ok")}  ${text}  ${paint.dim(placeText(answer))}`,
    json: () => ({ ok: true, ...fields, index, term, ms: roundedMs(answer.ms) }),
    sexpr: () => {
      const parts: SexpInput[] = [form("lease", fields.lease)];
      if (fields.ttlMs !== undefined) parts.push(form("ttl", fields.ttlMs));
      if (fields.keys !== undefined) parts.push(form("keys", fields.keys));
      return form(name, ...parts, form("index", index), form("term", term ?? word("unknown")));
    },
  });
}

type Leases = Pick<Extract<Reply, { kind: "leases-listed" }>, "now" | "items" | "more">;

export async function showLeases({ program }: Scene, leases: Leases): Promise<void> {
  const { now, items, more } = leases;
  const { output } = program;
  await output.result({
    text: () => items.map((item) => leaseText(item, now, output.paint)).join("\n"),
    json: () => ({
      ok: true,
      items: items.map((item) => leaseJson(item, now)),
      more: more === "more",
    }),
    sexpr: () =>
      form(
        "lease-ls-ok",
        list(symbol("items"), ...items.map((item) => leaseSexp(item, now))),
        form("more", word(more === "more" ? "yes" : "no")),
      ),
  });
}

/** What is left as of the answer: a lease whose time is up stands there until its expiry is applied. */
const leftMs = ({ deadline }: LeaseItem, now: number): number => Math.max(0, deadline - now);

function leaseText(item: LeaseItem, now: number, paint: Paint): string {
  const left = (leftMs(item, now) / 1000).toFixed(1);
  const keys = item.origin === "own" ? "of one key" : keysText(item.keys);
  return `${item.lease}  ${keys}  ${paint.dim(`(${left} s left of ${formatDuration(item.ttlMs)})`)}`;
}

const leaseJson = (item: LeaseItem, now: number): object => ({
  lease: item.lease,
  origin: item.origin,
  ttlMs: item.ttlMs,
  leftMs: leftMs(item, now),
  keys: item.keys,
});

const leaseSexp = (item: LeaseItem, now: number) =>
  form(
    "lease",
    form("id", item.lease),
    form(item.origin),
    form("ttl", item.ttlMs),
    form("left", leftMs(item, now)),
    form("keys", item.keys),
  );
