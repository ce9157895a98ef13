import { chmod } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { byRequest } from "../client/incoming-request.js";
import { callConnectionsMax, requestSectionBytesMax } from "../limits.js";
import type { CallAccess } from "../process/plugin-environment.js";
import type { SocketDirectory } from "../process/socket-directory.js";
import { byCheckContinue } from "../server/attach.js";
import type { CallListener } from "./call-listener.js";
import type { Callers } from "./callers.js";

/**
 * Where the plugins of a host call it: a unix socket in the directory of their own sockets. It is
 * there as long as a process runs that may call.
 */
export class CallServer {
  readonly #callers: Callers;
  readonly #serve: CallListener;
  #listening: Promise<{ server: Server; path: string }> | undefined;
  #users = 0;

  constructor(callers: Callers, serve: CallListener) {
    this.#callers = callers;
    this.#serve = serve;
  }

  /**
   * Lets a process of a plugin call others.
   *
   * @throws ServeHTTPError `unavailable` where it can't listen
   */
  async open(
    pluginId: string,
    mayCall: readonly string[],
    directory: SocketDirectory,
  ): Promise<CallAccess> {
    this.#users += 1;
    this.#listening ??= listen(directory.nextPath(), this.#serve);
    try {
      const { path } = await this.#listening;
      const { token, revoke } = this.#callers.grant(pluginId, mayCall);
      const leave = () => {
        revoke();
        this.#leave();
      };
      return { address: `unix:${path}`, token, revoke: leave };
    } catch (error) {
      this.#leave();
      throw ServeHTTPError.from(error, "unavailable");
    }
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) {
      return;
    }
    const listening = this.#listening;
    this.#listening = undefined;
    listening?.then(
      ({ server }) => {
        server.close();
        server.closeAllConnections();
      },
      () => undefined,
    );
  }
}

async function listen(
  path: string,
  serve: CallListener,
): Promise<{ server: Server; path: string }> {
  const server = createServer({
    // A call lasts as long as its exchange: that has times of its own.
    requestTimeout: 0,
    // The ends of a connection between them need no rule for silence, and then no call meets a
    // connection that is just closed.
    keepAliveTimeout: 0,
    maxHeaderSize: 2 * requestSectionBytesMax,
  });
  server.maxConnections = callConnectionsMax;
  server.on("request", (request, response) => serve(request, response, byRequest));
  server.on("checkContinue", (request, response) => serve(request, response, byCheckContinue));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.unref();
  await chmod(path, 0o600);
  return { server, path };
}
