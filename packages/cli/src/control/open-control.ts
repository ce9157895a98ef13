import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { failed } from "../context/command-error.js";
import type { Companion } from "../run/running-host.js";
import { controlListener } from "./control-listener.js";
import { upgrade } from "../upgrade/upgrade.js";
import { makeRuntimeDirectory, runtimeDirectory } from "./runtime-directory.js";

/**
 * Opens the control socket of a host: a unix socket in the user's runtime directory, named after the
 * process, which only its owner may connect to. Where that can't be, the host runs without one, and
 * its log says why.
 */
export const openControl: Companion = async (running) => {
  const { context, logger } = running;
  const directory = runtimeDirectory(context.environment);
  const path = join(directory, `${process.pid}.sock`);
  const { listener, end } = controlListener(running, upgrade);
  const server = createServer(listener);
  try {
    makeRuntimeDirectory(directory);
    rmSync(path, { force: true });
    server.listen(path);
    await once(server, "listening");
    chmodSync(path, 0o600);
  } catch (thrown) {
    const { message } = failed((thrown as Error).message);
    logger.warn({}, `no control socket, servehttp status and the like find no host: ${message}`);
    return () => undefined;
  }
  return async () => {
    end();
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
};
