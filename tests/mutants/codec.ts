/** Seeded bugs of src/codec: what is believed of bytes, and how large things travel. */
import type { Mutant } from "./mutant.ts";

export const codecMutants: readonly Mutant[] = [
  {
    name: "datagram-checksum-not-looked-at",
    why: "A datagram with a flipped bit is believed (I22).",
    file: "codec/datagram.ts",
    before: `return crc32(datagram.subarray(checkedFrom)) === readU32(datagram, 0) ? null : "wrong-checksum";`,
    after: "return null;",
  },
  {
    name: "another-cluster-s-datagram",
    why: "A server of another cluster takes part in elections here (P33; I22).",
    file: "codec/datagram.ts",
    before: `if (header.cluster !== opener.cluster || header.cluster === 0) return "wrong-cluster";`,
    after: `if (header.cluster === 0) return "wrong-cluster";`,
  },
  {
    name: "another-server-s-datagram",
    why: "A vote for one candidate is counted by another at a reused address (I1).",
    file: "codec/datagram.ts",
    before: `return header.receiver === opener.me ? null : "wrong-receiver";`,
    after: "return null;",
  },
  {
    name: "tag-not-compared",
    why: "With a secret set, anybody speaks for a server (I22).",
    file: "codec/datagram.ts",
    before: `return isTagOf(key, covered, datagram.subarray(bodyEnd)) ? null : "wrong-tag";`,
    after: `return covered.length > 0 ? null : "wrong-tag";`,
  },
  {
    name: "missing-tag-forgiven",
    why: "With a secret set, a datagram without a tag is believed (I22).",
    file: "codec/datagram.ts",
    before: `if (!tagged) return "missing-tag";`,
    after: "if (!tagged) return null;",
  },
  {
    name: "clients-hold-the-peers-key",
    why: "Whoever may be a client may be a server (I22).",
    file: "codec/authentication.ts",
    before: "deriveKey(secret, labels.client);",
    after: "deriveKey(secret, labels.peer);",
  },
  {
    name: "appended-entries-out-of-order",
    why: "Entries that do not follow each other reach Raft, which asserts (I22).",
    file: "codec/message.ts",
    before: "if (entry.index !== last.index + 1 || entry.term < last.term) return null;",
    after: "if (entry.term < last.term) return null;",
  },
  {
    name: "appended-terms-fall",
    why: "Entries whose terms fall reach Raft, which asserts (I15, I22).",
    file: "codec/message.ts",
    before: "if (entry.index !== last.index + 1 || entry.term < last.term) return null;",
    after: "if (entry.index !== last.index + 1) return null;",
  },
  {
    name: "entry-of-a-later-term-than-its-message",
    why: "An entry of the future reaches the log (I15).",
    file: "codec/message.ts",
    before: "return last.term <= bounds.term ? entries : null;",
    after: "return entries;",
  },
  {
    name: "entry-reaches-beyond-its-bytes",
    why: "An entry that says it is longer than its bytes is read short (I22).",
    file: "codec/entry.ts",
    before: "if (length > entryLimits.bodyBytesMax || next > end) return null;",
    after: "if (length > entryLimits.bodyBytesMax) return null;",
  },
  {
    name: "configuration-without-a-voter",
    why: "A configuration that nobody decides in comes from the wire into the log (I16, I22).",
    file: "codec/message.ts",
    before: `    if (entry.kind === "configuration" && configurationProblem(entry.body) !== null) return null;
`,
    after: "",
  },
  {
    name: "any-depth-is-plain",
    why: "A datagram of nested arrays costs the decoder its stack (I22).",
    file: "codec/plain-form.ts",
    before: `  if (depth > depthMax) return refused;
`,
    after: "",
  },
  {
    name: "pieces-of-two-wholes",
    why: "A piece that contradicts the first is put into the same whole (I22).",
    file: "codec/assembly.ts",
    before: `    if (chunk.stride !== this.stride) return "contradiction";
`,
    after: "",
  },
  {
    name: "whole-not-compared-with-its-checksum",
    why: "A whole of mixed pieces is delivered (I22).",
    file: "codec/assembly.ts",
    before: `return crc32(this.bytes) === this.checksum ? "whole" : "wrong-checksum";`,
    after: `return "whole";`,
  },
  {
    name: "whole-delivered-twice",
    why: "A repeated last piece begins the transfer anew, and delivers it again.",
    file: "codec/chunk-receiver.ts",
    before: `    remember(sender, assembly, now);
`,
    after: "",
  },
  {
    name: "half-received-without-an-end",
    why: "A sender that begins much and ends nothing fills the memory (I24).",
    file: "codec/chunk-receiver.ts",
    before:
      "if (now - assembly.heardAt >= receiverTiming.idleMsMax) this.expire(sender, assembly);",
    after: "if (now - assembly.heardAt >= never) this.expire(sender, assembly);",
  },
  {
    name: "restarted-receiver-waits-for-ever",
    why: "A receiver that has forgotten the first pieces is not sent them again (liveness).",
    file: "codec/sending.ts",
    before:
      "if (this.firstUnsent === this.count && this.inFlight.size === 0) this.firstUnsent = 0;",
    after: "",
  },
  {
    name: "chunks-without-a-window",
    why: "All chunks of a mebibyte leave at once, and receive buffers drop them (I24).",
    file: "codec/sending.ts",
    before: "this.inFlight.size < this.window",
    after: "this.inFlight.size < this.count",
  },
  {
    name: "sequence-zero",
    why: "A request without a number reaches the log, and asserts when it is applied (I22).",
    file: "codec/command.ts",
    before: "!isCount(sequence) || sequence === 0) return null;",
    after: "!isCount(sequence)) return null;",
  },
  {
    name: "steps-of-both-branches-are-one",
    why: "A decoded transaction does in its first branch what its second says.",
    file: "codec/transaction.ts",
    before: '  return { kind: "txn", guard, holding, otherwise };',
    after: '  return { kind: "txn", guard, holding: [...holding, ...otherwise], otherwise };',
  },
  {
    name: "guard-without-a-depth",
    why: "A datagram of nested nots exhausts the stack, or passes where others refuse it (I22, I24).",
    file: "codec/transaction.ts",
    before: "  if (depth > limits.guardDepthMax) return null;\n",
    after: "",
  },
];
