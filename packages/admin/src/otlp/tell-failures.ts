import type { Logger } from "@servehttp/host-bridge";
import { exportFailureSaidMs } from "../limits.js";

/**
 * Makes the function that tells of exports that have failed: in one line, once a minute at most,
 * with how many there were.
 *
 * @param nowMs a clock that does not go back
 */
export function tellFailures(
  what: string,
  logger: Pick<Logger, "warn">,
  nowMs: () => number = () => performance.now(),
): (error: Error | undefined) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  return (error) => {
    failures += 1;
    if (nowMs() - saidMs >= exportFailureSaidMs) {
      saidMs = nowMs();
      logger.warn(
        { failures, cause: error?.message },
        `${what} could not be pushed to the collector`,
      );
      failures = 0;
    }
  };
}

/** Where nobody gives a logger: warnings of the process. */
export const processWarnings: Pick<Logger, "warn"> = {
  warn: ({ cause }, message) =>
    process.emitWarning(`${message}: ${typeof cause === "string" ? cause : "no answer"}`),
};
