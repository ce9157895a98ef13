/**
 * What a command ends with when it can't do what it was asked: one message for people, and the
 * exit code. 2: what was said is wrong (an option, a target, the config). 1: what was said is right,
 * and it failed.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** For what was said wrong: exit code 2. */
export function saidWrong(message: string, cause?: unknown): CommandError {
  return new CommandError(2, message, { cause });
}

/** For what failed: exit code 1. */
export function failed(message: string, cause?: unknown): CommandError {
  return new CommandError(1, message, { cause });
}
