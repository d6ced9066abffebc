/**
 * One operation from its request to what is printed: all verbs and the prompt's s-expressions end
 * here.
 */
import { unreachable } from "../../base/assert.ts";
import { exits } from "../../base/error.ts";
import type { Age, Result } from "../../client/request.ts";
import { commandProblem } from "../../codec/command-problem.ts";
import { limits, type Operation, type Reply } from "../../kv/command.ts";
import type { CommandExit } from "../command.ts";
import type { Program } from "../program.ts";
import { exitOfSignal } from "../signals.ts";
import { type Asked, rejection, unknownOutcome } from "./failure.ts";
import { showLeaseReply } from "./lease-shown.ts";
import { ask, type Connection, type Place, type Question } from "./place.ts";
import { failedAlone, refusedReply } from "./refusal.ts";
import { shellLine } from "./shell.ts";
import { type Answer, showFound, showListed, showWritten } from "./shown.ts";
import { showCounted, showTransacted } from "./shown-transaction.ts";
import { invalidOperation } from "./value-source.ts";

export type Task = Question & {
  /** `put "color"`: as its user knows it. */
  readonly name: string;
  /**
   * The words that its user wrote it in; null where they cannot be given again with a request id.
   */
  readonly line: {
    readonly verb: string;
    readonly plain: readonly string[];
    readonly flags: readonly string[];
  } | null;
};

export type Scene = {
  readonly place: Place;
  readonly connection: Connection;
  readonly program: Program;
};

export type Settlement =
  | (Extract<Result, { kind: "committed" }> & { readonly ms: number })
  /** Nothing happened: a signal came before. */
  | { readonly kind: "interrupted"; readonly exit: 130 | 143 };

/** Refuses what nobody would take before anything is opened or sent. */
export function checkOperation(operation: Operation): void {
  const problem = commandProblem(operation);
  if (problem !== null) throw invalidOperation(problem, operation);
}

/** Waits for the outcome; throws the operator's error where it is not the hoped-for one. */
export async function settle({ connection, program }: Scene, task: Task): Promise<Settlement> {
  checkOperation(task.operation);
  const { cluster } = connection;
  const began = cluster.now;
  const result = await ask(cluster, task);
  switch (result.kind) {
    case "committed":
      return { ...result, ms: cluster.now - began };
    case "rejected": {
      const signal = connection.interruption();
      if (signal === null) throw rejection(askedOf(connection, task), result);
      await program.messages.line(`${task.name} was interrupted: nothing was done`);
      return { kind: "interrupted", exit: exitOfSignal(signal) };
    }
    case "unknown":
      throw unknownOutcome(askedOf(connection, task), result);
    case "status":
      throw new TypeError("a status is no answer to an operation");
    default:
      return unreachable(result);
  }
}

function askedOf(connection: Connection, task: Task): Asked {
  const { name, operation, timeoutMs, line } = task;
  const retry =
    line === null
      ? null
      : (id: string) => {
          const flags = [...line.flags, "--request-id", id, ...connection.words];
          return shellLine({ ...line, flags });
        };
  return { name, operation, timeoutMs, connection, retry };
}

/** Asks, and prints the answer. */
export async function perform(scene: Scene, task: Task): Promise<CommandExit> {
  const settled = await settle(scene, task);
  if (settled.kind === "interrupted") return settled.exit;
  const { reply, requestId, index, term, ms, age } = settled;
  // An answer that was kept from an earlier try stands at another place than this one; its term is
  // not known.
  const at = "index" in reply ? reply.index : index;
  const answer: Answer =
    at === index
      ? { index: at, term, ms, earlier: null }
      : { index: at, term: null, ms, earlier: task.again };
  const shown = await show(scene, task.operation, {
    reply,
    answer,
    ...(age === undefined ? {} : { age }),
  });
  if (shown === "not-an-answer") {
    const id = requestId ?? task.again;
    throw refusedReply(askedOf(scene.connection, task), id, reply);
  }
  return exits.done;
}

async function show(
  scene: Scene,
  operation: Operation,
  { reply, answer, age }: { readonly reply: Reply; readonly answer: Answer; readonly age?: Age },
): Promise<"shown" | "not-an-answer"> {
  switch (operation.kind) {
    case "put":
    case "put-leased":
    case "cas":
      if (reply.kind !== "written") return "not-an-answer";
      await showWritten(scene, operation, answer);
      return "shown";
    case "delete":
      if (reply.kind !== "deleted") return "not-an-answer";
      await showWritten(scene, operation, answer);
      return "shown";
    case "noop":
      if (reply.kind !== "done") return "not-an-answer";
      await showWritten(scene, operation, answer);
      return "shown";
    case "incr":
      if (reply.kind !== "counted") return "not-an-answer";
      await showCounted(scene, operation.key, { value: reply.value, answer });
      return "shown";
    case "txn":
      if (reply.kind !== "transacted" || failedAlone(operation, reply)) return "not-an-answer";
      await showTransacted(scene, operation, { reply, answer });
      return "shown";
    case "get":
      if (reply.kind !== "found") return "not-an-answer";
      await showFound(scene, operation.key, reply, age);
      return "shown";
    case "list": {
      if (reply.kind !== "listed") return "not-an-answer";
      const cut = operation.limit < limits.listKeysMax ? "by-limit" : "by-page";
      const index = operation.revision.kind === "at" ? operation.revision.index : answer.index;
      await showListed(scene, { ...reply, index, prefix: operation.prefix, cut, age });
      return "shown";
    }
    case "lease-grant":
    case "lease-revoke":
    case "lease-keep-alive":
    case "leases":
      return showLeaseReply(scene, operation, { reply, answer });
    default:
      return unreachable(operation);
  }
}
