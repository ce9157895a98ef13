import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Companion } from "../run/running-host.js";

const run = promisify(execFile);

/**
 * Tells systemd how the service is doing (`sd_notify`): READY, RELOADING, STOPPING and the
 * WATCHDOG's signs of life, where NOTIFY_SOCKET and WATCHDOG_USEC ask for it.
 *
 * Node has no datagram sockets in the file system, so it is `systemd-notify` that tells. That is a
 * process of its own, for which the unit needs `NotifyAccess=all`.
 */
export const notifySystemd: Companion = async (running) => {
  const { config, context, logger } = running;
  const { NOTIFY_SOCKET: socket, WATCHDOG_PID: pid, WATCHDOG_USEC: usec } = context.environment;
  if (socket === undefined || socket === "") {
    return () => undefined;
  }
  let last: Promise<unknown> = Promise.resolve();
  let hasFailed = false;
  const tell = (...fields: readonly string[]): Promise<unknown> => {
    const env = { PATH: context.environment["PATH"], NOTIFY_SOCKET: socket };
    last = last
      .then(() => run("systemd-notify", [...fields], { env }))
      .catch((error: unknown) => {
        if (!hasFailed) {
          hasFailed = true;
          logger.error({}, `systemd learns nothing of this service: ${String(error)}`);
        }
      });
    return last;
  };
  config.observe({
    before: () => void tell("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
    behind: () => void tell("READY=1"),
  });
  await tell("READY=1", `MAINPID=${process.pid}`);
  const isWatched = Number(usec) > 0 && (pid === undefined || pid === String(process.pid));
  // Twice as often as it has to, as sd_watchdog_enabled(3) says.
  const watchdog = isWatched
    ? setInterval(() => void tell("WATCHDOG=1"), Number(usec) / 2_000)
    : undefined;
  return async () => {
    clearInterval(watchdog);
    if (running.isSuperseded) {
      await last;
    } else {
      await tell("STOPPING=1");
    }
  };
};
