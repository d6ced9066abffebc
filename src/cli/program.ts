/** What every command is handed: its surroundings, so that a test can hand in others. */
import type { Messages, Output } from "./output.ts";
import type { StreamKind } from "./paint.ts";
import type { Environment } from "./walk.ts";

export type Signal = "SIGINT" | "SIGTERM";

export type Program = {
  readonly environment: Environment;
  /** Whether a person is typing. */
  readonly stdin: StreamKind;
  /** Results. */
  readonly output: Output;
  /** Hints and progress. */
  readonly messages: Messages;
};
