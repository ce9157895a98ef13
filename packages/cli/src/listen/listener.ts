import { once } from "node:events";
import { chmodSync, linkSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  acceptProxyProtocol,
  type Logger,
  type NodeRequest,
  type NodeResponse,
  type PluginHost,
  watchConnections,
} from "@servehttp/host-bridge";
import { keepAliveMs } from "../limits.js";
import { addressText, type ListenAddress } from "./listen-address.js";
import { listenError } from "./listen-error.js";
import type { Certificate, ListenerSettings } from "./listener-settings.js";
import { removeStaleSocket } from "./stale-socket.js";

/** What serves the requests of a listener. */
export interface ListenerHost {
  readonly host: Pick<PluginHost, "attach">;
  /** Answers what is not for a plugin; undefined: 404. */
  readonly app: ((request: NodeRequest, response: NodeResponse) => unknown) | undefined;
  readonly logger: Logger;
  /**
   * Takes each connection, of which nothing has been read, in place of all of these. `listener` counts
   * the addresses. Default: connections are served here.
   */
  readonly passOn?: ((socket: Socket, listener: number) => void) | undefined;
}

/** A socket that listens, as Node has it inside a server. */
export interface ListenHandle {
  readonly fd: number;
}

/** A server that listens. */
export class Listener {
  readonly settings: ListenerSettings;
  readonly #server: AnyServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #closed: Promise<unknown>;
  /** It listens on a socket that another process has made. */
  readonly #isInherited: boolean;
  /** It listens, or did: it is not given its connections by somebody else. */
  #isBound = false;
  #isRetired = false;
  /** Called when no connection is open any more. */
  #onUnused: () => void = () => undefined;

  private constructor(settings: ListenerSettings, server: AnyServer, isInherited: boolean) {
    this.settings = settings;
    this.#isInherited = isInherited;
    this.#server = server;
    // Not by "once", which rejects where it can't listen.
    this.#closed = new Promise((resolve) => server.once("close", resolve));
    const watch = (socket: Socket): void => {
      this.#sockets.add(socket);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        if (this.#sockets.size === 0) {
          this.#onUnused();
        }
      });
    };
    if ("setTimeout" in server) {
      watchConnections(server, watch);
      server.on("session", (session: ServerHttp2Session) => {
        this.#sessions.add(session);
        session.once("close", () => this.#sessions.delete(session));
      });
    } else {
      server.on("connection", watch);
    }
  }

  /** Serves connections that it is given by `take`, and listens nowhere. */
  static handedOver(settings: ListenerSettings, by: ListenerHost): Listener {
    return new Listener(settings, attachedServer(settings, by), true);
  }

  /**
   * Listens, with the host's plugins in front and 404 for everything else.
   *
   * @param index among the addresses
   * @param handle of a socket that listens there already
   * @throws CommandError which says what is in the way
   */
  static async open(
    settings: ListenerSettings,
    by: ListenerHost,
    index: number,
    handle: ListenHandle | undefined,
  ): Promise<Listener> {
    const { passOn } = by;
    const server =
      passOn === undefined
        ? attachedServer(settings, by)
        : createNetServer({ pauseOnConnect: true }, (socket) => passOn(socket, index));
    const listener = new Listener(settings, server, handle !== undefined);
    if (handle === undefined) {
      await removeStaleSocket(settings.address);
    }
    try {
      if (settings.address.kind === "unix" && settings.mode !== undefined && handle === undefined) {
        listenWithMode(server, settings.address.path, settings.mode);
      } else {
        server.listen(handle ?? listenArguments(settings));
      }
      await once(server, "listening");
      listener.#isBound = true;
      if (settings.address.kind === "unix" && settings.mode !== undefined && handle === undefined) {
        // The umask does not count where its directory has default ACLs.
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
    const bound = this.#server.address();
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
      this.#server.setSecureContext(tls);
    }
  }

  /** Serves a connection that was accepted elsewhere, of which nothing has been read. */
  take(socket: Socket): void {
    // As a server of Node's makes them that accepts connections itself.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    this.#server.emit("connection", socket);
  }

  /** The socket that it listens on, for a process that takes over. */
  get handle(): ListenHandle {
    return (this.#server as unknown as { readonly _handle: ListenHandle })._handle;
  }

  /**
   * Closes each connection of HTTP/1 with its next response, new ones included. It goes on
   * listening.
   */
  closeBehindResponses(): void {
    this.#server.prependListener("request", (_request, response: object) => {
      if ("shouldKeepAlive" in response) {
        response.shouldKeepAlive = false;
      }
    });
  }

  /**
   * Leaves new connections to the process that has the socket as well. Each open connection closes
   * with its next response, so that no request meets a connection that is just closed. Resolves when
   * none is open, or `ms` are over.
   */
  async retire(ms: number): Promise<void> {
    this.#isRetired = true;
    const server = this.#server;
    this.closeBehindResponses();
    const keptPath = server.listening
      ? keepPath(this.settings.address, this.#isInherited)
      : undefined;
    // `close` would close the connections that nobody uses, on which a request may be on its way.
    const own = { closeIdleConnections: () => undefined };
    Object.assign(server, own);
    server.close();
    keptPath?.();
    for (const session of this.#sessions) {
      session.close();
    }
    if (this.#sockets.size > 0) {
      const over = new AbortController();
      const late = delay(ms, undefined, { signal: over.signal }).catch(() => undefined);
      const unused = new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
      await Promise.race([unused, late]);
      over.abort();
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
    if (!this.#isBound) {
      return;
    }
    await this.#closed;
    if (this.#isInherited && !this.#isRetired && this.settings.address.kind === "unix") {
      // Node removes the path of a socket that it has made itself.
      rmSync(this.settings.address.path, { force: true });
    }
  }
}

type AnyServer = Server | Http2SecureServer | NetServer;

/** A server with the host's plugins in front. */
function attachedServer(settings: ListenerSettings, by: ListenerHost): Server | Http2SecureServer {
  const server = makeServer(settings, by.app);
  if (settings.proxyProtocol !== undefined) {
    acceptProxyProtocol(server, { from: settings.proxyProtocol, logger: by.logger });
  }
  by.host.attach(server);
  return server;
}

/**
 * Node removes a unix socket's path when it closes the socket that it has made. Returns what puts
 * the path back, at once behind that.
 */
function keepPath(address: ListenAddress, isInherited: boolean): (() => void) | undefined {
  if (address.kind !== "unix" || isInherited) {
    return undefined;
  }
  const kept = `${address.path}.${process.pid}`;
  rmSync(kept, { force: true });
  linkSync(address.path, kept);
  return () => renameSync(kept, address.path);
}

function makeServer(
  { tls }: ListenerSettings,
  app: ListenerHost["app"],
): Server | Http2SecureServer {
  // Uploads may take as long as they need: the host has times of its own.
  return tls === undefined
    ? createServer({ requestTimeout: 0, keepAliveTimeout: keepAliveMs }, app)
    : createSecureServer({ ...tls, allowHTTP1: true }, app);
}

/** Listens on a unix socket that has its permissions from the first moment on. */
function listenWithMode(server: NetServer, path: string, mode: number): void {
  const before = process.umask(0o777 & ~mode);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
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
