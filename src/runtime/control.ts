/**
 * The supervisor's control channel: what keys do on its terminal, other terminals do through this.
 * HTTP on the loopback interface, on a port of the system's choice; who can read the token in
 * `cluster.json` may speak.
 */
import { timingSafeEqual } from "node:crypto";
import { request as httpRequest } from "node:http";
import { unreachable } from "../base/assert.ts";
import type { OperatorErrorParts } from "../base/error.ts";
import { exits, OperatorError } from "../base/error.ts";
import { isNodeId, type NodeId } from "../base/numbers.ts";
import { isRecord, parseJson, type SupervisorRecord } from "./cluster-file.ts";
import type { Partition } from "./partition.ts";

export type NodeAction = "kill" | "stop" | "restart" | "pause" | "resume";

export type ControlRequest =
  | { readonly kind: "state" }
  | { readonly kind: NodeAction; readonly node: NodeId }
  | { readonly kind: "partition"; readonly partition: Partition }
  | { readonly kind: "heal" }
  /** Starts one more node, which asks to be let in; `replaces` goes when it gets its vote. */
  | {
      readonly kind: "add";
      readonly as: "voter" | "learner";
      readonly replaces: NodeId | null;
    }
  /** The node was removed from the cluster: it is stopped, and not looked after any more. */
  | { readonly kind: "forget"; readonly node: NodeId }
  | { readonly kind: "down" };

/** The first leader there was, and how long it took. */
export type Ready = {
  readonly nodes: number;
  readonly leader: number;
  readonly term: number;
  readonly ms: number;
};

export type ControlReply =
  | {
      readonly kind: "done";
      readonly ready: Ready | null;
      readonly conditions: Readonly<Record<string, string>>;
      readonly partition: string | null;
      /** The node that was added. */
      readonly added: NodeId | null;
    }
  | { readonly kind: "failed"; readonly error: OperatorErrorParts };

export type ControlServer = { readonly url: string; readonly close: () => Promise<void> };

const requestBytesMax = 64 * 1024;

export function serveControl(
  token: string,
  perform: (request: ControlRequest) => Promise<ControlReply>,
): ControlServer {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    maxRequestBodySize: requestBytesMax,
    async fetch(request) {
      if (!isToken(request.headers.get("authorization"), token)) return plain(401, "unauthorized");
      if (request.method !== "POST") return plain(405, "POST only");
      const parsed = parseRequest(parseJson(await request.text()));
      if (parsed === null) return plain(400, "not a request that this version knows");
      return Response.json(await perform(parsed));
    },
    error: () => plain(500, "failed"),
  });
  return { url: `http://127.0.0.1:${server.port}`, close: () => server.stop(false) };
}

const plain = (status: number, text: string): Response => new Response(`${text}\n`, { status });

function isToken(header: string | null, token: string): boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  const given = Buffer.from(header ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The request, or null where it is not of a shape that this version knows. */
export function parseRequest(value: unknown): ControlRequest | null {
  if (!isRecord(value)) return null;
  const { kind, node } = value;
  switch (kind) {
    case "state":
    case "heal":
    case "down":
      return { kind };
    case "kill":
    case "stop":
    case "restart":
    case "pause":
    case "resume":
      return isNodeId(node) ? { kind, node } : null;
    case "forget":
      return isNodeId(node) ? { kind, node } : null;
    case "add": {
      const { as, replaces } = value;
      if (as !== "voter" && as !== "learner") return null;
      return replaces === null || isNodeId(replaces) ? { kind, as, replaces } : null;
    }
    case "partition": {
      const partition = parsePartition(value["partition"]);
      return partition === null ? null : { kind, partition };
    }
    default:
      return null;
  }
}

function parsePartition(value: unknown): Partition | null {
  if (!isRecord(value)) return null;
  const { groups, direction } = value;
  if (direction !== "both-ways" && direction !== "one-way") return null;
  return isGroups(groups) ? { groups, direction } : null;
}

const isGroups = (value: unknown): value is NodeId[][] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((group) => Array.isArray(group) && group.length > 0 && group.every(isNodeId));

/**
 * The supervisor's reply, or null where it does not answer: it is gone, or its record is an old
 * one.
 */
export async function callControl(
  supervisor: SupervisorRecord,
  request: ControlRequest,
  timeoutMs: number,
): Promise<ControlReply | null> {
  const text = await post(supervisor, JSON.stringify(request), timeoutMs);
  // Whoever knows the token is this program's own supervisor; its shape is not checked again.
  return text === null ? null : (parseJson(text) as ControlReply);
}

/** Not through `fetch`: that would ask a proxy of the environment for this machine's own port. */
function post(
  { control, token }: SupervisorRecord,
  body: string,
  timeoutMs: number,
): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const nothing = (): void => resolve(null);
  const headers = { authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(timeoutMs);
  const asking = httpRequest(control, { method: "POST", headers, signal }, (response) => {
    const parts: string[] = [];
    response.setEncoding("utf8");
    response.on("data", (part: string) => parts.push(part));
    response.on("error", nothing);
    response.on("end", () => resolve(response.statusCode === 200 ? parts.join("") : null));
  });
  asking.on("error", nothing);
  asking.end(body);
  return promise;
}

/** The reply, or its failure as the error that the supervisor saw. */
export function succeeded(reply: ControlReply): Extract<ControlReply, { kind: "done" }> {
  switch (reply.kind) {
    case "done":
      return reply;
    case "failed":
      throw new OperatorError(reply.error);
    default:
      return unreachable(reply);
  }
}

/** What the other terminal is told about a failure here. */
export function failure(error: unknown): ControlReply {
  if (error instanceof OperatorError) return { kind: "failed", error: error.parts };
  return {
    kind: "failed",
    error: {
      code: "bug",
      what: "the supervisor could not do it",
      why: error instanceof Error ? error.message : String(error),
      fix: ["rusty-boat cluster status", "and report this, please"],
      exit: exits.bug,
    },
  };
}
