import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Listeners } from "../listen/listeners.js";
import type { Workers } from "./running-host.js";

/** What goes on serving for a while. */
export interface LameDuck {
  readonly listeners: Pick<Listeners, "closeBehindResponses">;
  readonly workers: Pick<Workers, "closeBehindResponses"> | undefined;
  readonly logger: Logger;
  /** How long, in milliseconds; 0: not at all. */
  readonly ms: number;
}

/**
 * Serves on while load balancers turn away from a host that is about to stop. New connections are
 * taken, because some balancers learn late; each closes with its next response, so that none is in
 * use when the host takes no more. Resolves when the time is over, or `now` aborts.
 */
export async function beLameDuck(
  { listeners, workers, logger, ms }: LameDuck,
  now: AbortSignal,
): Promise<void> {
  if (ms === 0 || now.aborted) {
    return;
  }
  logger.info({ lameDuckMs: ms }, "stopping: it serves on while load balancers turn away");
  listeners.closeBehindResponses();
  workers?.closeBehindResponses();
  await delay(ms, undefined, { signal: now }).catch(() => undefined);
}
