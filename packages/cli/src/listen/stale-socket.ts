import { once } from "node:events";
import { lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { probeMs } from "../limits.js";
import { saidWrong } from "../context/command-error.js";
import type { ListenAddress } from "./listen-address.js";

/**
 * Removes the unix socket that a process left behind which ended without cleaning up. Leaves one
 * alone to which somebody listens.
 *
 * @throws CommandError where something else has that path
 */
export async function removeStaleSocket(address: ListenAddress): Promise<void> {
  if (address.kind !== "unix") {
    return;
  }
  const found = lstatSync(address.path, { throwIfNoEntry: false });
  if (found === undefined) {
    return;
  }
  if (!found.isSocket()) {
    throw saidWrong(`unix:${address.path}: there is a file that is not a socket; it stays`);
  }
  if (!(await isListening(address.path))) {
    rmSync(address.path, { force: true });
  }
}

async function isListening(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(probeMs) });
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== "ECONNREFUSED";
  } finally {
    socket.destroy();
  }
}
