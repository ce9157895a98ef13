import type { CommandContext } from "../context/command-context.js";

/** Ctrl-C or SIGTERM: once to drain, twice to stop now. */
export interface StopRequest {
  /** Aborts when the command is to drain and end. */
  readonly drain: AbortSignal;
  /** Aborts when it is to end now. */
  readonly now: AbortSignal;
  /** The same as a signal would. */
  ask(): void;
  /** Signals have their usual effect again. */
  end(): void;
}

/** Takes the signals of a process that is to stop. */
export function stopRequest(context: CommandContext): StopRequest {
  const drain = new AbortController();
  const now = new AbortController();
  const ask = () => (drain.signal.aborted ? now : drain).abort();
  const end = context.onSignal(["SIGINT", "SIGTERM"], ask);
  return { drain: drain.signal, now: now.signal, ask, end };
}
