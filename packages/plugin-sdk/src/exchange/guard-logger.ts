import { isThenable, type Logger } from "@servehttp/contract";

/**
 * A logger of the plugin's author whose failures end neither an exchange nor the process: its
 * records are lost.
 */
export function guardLogger(logger: Logger): Required<Logger> {
  return {
    debug: (details, message) => guard(() => logger.debug?.(details, message)),
    info: (details, message) => guard(() => logger.info?.(details, message)),
    warn: (details, message) => guard(() => logger.warn(details, message)),
    error: (details, message) => guard(() => logger.error(details, message)),
  };
}

function guard(log: () => unknown): void {
  try {
    const result = log();
    if (isThenable(result)) {
      result.then(undefined, ignore);
    }
  } catch {
    // There is no place to tell of a logger that fails.
  }
}

function ignore(): void {
  // As in `guard`.
}
