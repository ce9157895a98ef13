import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:net";
import type { CommandError } from "../context/command-error.js";
import { failed } from "../context/command-error.js";
import { retireMs } from "../limits.js";
import type { RunningHost } from "../run/running-host.js";

/**
 * Puts a new process in the place of this one: starts it with the arguments of this one, gives it
 * the sockets that listen, waits until its plugins are ready and it listens, and then lets end what
 * runs here. No connection is refused meanwhile. Resolves when it has taken over.
 *
 * @param program how the new one is run, without arguments
 * @throws CommandError where the new one does not start: this one goes on
 */
export async function upgrade(
  running: RunningHost,
  program: readonly string[],
): Promise<{ readonly pid: number }> {
  const { admin, context, listeners, logger, workers } = running;
  if (running.isSuperseded) {
    throw failed("another process has taken over already");
  }
  const [command = process.execPath, ...args] = program;
  const successor = spawn(command, [...args, ...process.argv.slice(2)], {
    cwd: context.cwd,
    env: { ...context.environment, SERVEHTTP_UPGRADE: "1" },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  const over = new AbortController();
  const ended = once(successor, "exit", { signal: over.signal }).then(([code]) => {
    throw notStarted(`it ended with exit code ${code}`);
  });
  const told = new Promise<void>((resolve) => {
    successor.on("message", (message) => {
      if (message === "listeners") {
        for (const [address, handle] of [...listeners.handles, ...(admin?.handles ?? [])]) {
          successor.send({ address }, handle as unknown as Server);
        }
        successor.send("listeners end");
      } else {
        resolve();
      }
    });
  });
  try {
    await Promise.race([
      told,
      ended,
      once(successor, "error").then(([error]) => {
        throw notStarted((error as Error).message);
      }),
    ]);
  } catch (thrown) {
    logger.error({}, (thrown as Error).message);
    throw thrown;
  } finally {
    over.abort();
  }
  ended.catch(() => undefined);
  running.isSuperseded = true;
  logger.info({ successor: successor.pid }, "another process has taken over");
  successor.disconnect();
  successor.unref();
  const retired = [listeners, workers, admin].map(async (one) => await one?.retire(retireMs));
  void Promise.all(retired).then(running.stop);
  return { pid: successor.pid ?? 0 };
}

function notStarted(why: string): CommandError {
  return failed(`the new host has not taken over, this one goes on: ${why}; its log says more`);
}
