import { once } from "node:events";
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import {
  acceptProxyProtocol,
  type Logger,
  type NodeRequest,
  type NodeResponse,
  type PluginHost,
  watchConnections,
} from "@servehttp/host-bridge";
import { addressText } from "./listen-address.js";
import { listenError } from "./listen-error.js";
import type { Certificate, ListenerSettings } from "./listener-settings.js";
import { removeStaleSocket } from "./stale-socket.js";

/** What serves the requests of a listener. */
export interface ListenerHost {
  readonly host: Pick<PluginHost, "attach">;
  /** Answers what is not for a plugin; undefined: 404. */
  readonly app: ((request: NodeRequest, response: NodeResponse) => unknown) | undefined;
  readonly logger: Logger;
}

/** A server that listens. */
export class Listener {
  readonly settings: ListenerSettings;
  readonly #server: Server | Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #closed: Promise<unknown>;

  private constructor(settings: ListenerSettings, server: Server | Http2SecureServer) {
    this.settings = settings;
    this.#server = server;
    // Not by "once", which rejects where it can't listen.
    this.#closed = new Promise((resolve) => server.once("close", resolve));
    watchConnections(server, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
  }

  /**
   * Listens, with the host's plugins in front and 404 for everything else.
   *
   * @throws CommandError which says what is in the way
   */
  static async open(settings: ListenerSettings, by: ListenerHost): Promise<Listener> {
    const listener = new Listener(settings, makeServer(settings, by.app));
    const server = listener.#server;
    if (settings.proxyProtocol !== undefined) {
      acceptProxyProtocol(server, { from: settings.proxyProtocol, logger: by.logger });
    }
    by.host.attach(server);
    await removeStaleSocket(settings.address);
    try {
      server.listen(listenArguments(settings));
      await once(server, "listening");
      if (settings.address.kind === "unix" && settings.mode !== undefined) {
        chmodSync(settings.address.path, settings.mode);
      }
    } catch (thrown) {
      throw listenError(settings.address, thrown);
    }
    return listener;
  }

  /**
   * Where clients find it, without a slash at the end: `http://127.0.0.1:8080`, or `unix:/path`.
   */
  get url(): string {
    const bound = this.#server.address() as AddressInfo | string | null;
    if (bound === null || typeof bound === "string") {
      return typeof bound === "string" ? `unix:${bound}` : addressText(this.settings.address);
    }
    // No client can open a page at "every address".
    const host = ["::", "0.0.0.0"].includes(bound.address) ? "localhost" : bound.address;
    const scheme = this.settings.tls === undefined ? "http" : "https";
    return `${scheme}://${addressText({ kind: "tcp", host, port: bound.port })}`;
  }

  /** Takes another certificate; connections that are open keep theirs. */
  renewCertificate(tls: Certificate | undefined): void {
    if (tls !== undefined && "setSecureContext" in this.#server) {
      this.#server.setSecureContext(tls as SecureContextOptions);
    }
  }

  /** Takes no new connections, and closes those that nobody uses. */
  stopAccepting(): void {
    this.#server.close();
    for (const session of this.#sessions) {
      session.close();
    }
  }

  /** Ends every connection. Resolves when the address is free. */
  async close(): Promise<void> {
    if (this.#server.listening) {
      this.stopAccepting();
    }
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await this.#closed;
  }
}

function makeServer(
  { tls }: ListenerSettings,
  app: ListenerHost["app"],
): Server | Http2SecureServer {
  // Uploads may take as long as they need: the host has times of its own.
  return tls === undefined
    ? createServer({ requestTimeout: 0 }, app)
    : createSecureServer({ ...tls, allowHTTP1: true }, app);
}

function listenArguments({ address }: ListenerSettings) {
  switch (address.kind) {
    case "tcp":
      return { host: address.host, port: address.port };
    case "unix":
      return { path: address.path };
    case "fd":
      return { fd: address.fd };
  }
}
