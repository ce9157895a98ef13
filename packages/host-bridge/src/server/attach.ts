import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import { byRequest } from "../client/incoming-request.js";
import type { HostRequest, HostResponse, NodeServer } from "../client/node-types.js";
import { type FastPathHost, installFastPath } from "../fast-path/install.js";
import { bodyLengthOf } from "../node/body-length.js";
import { type MountedHost, mountedHost } from "./mounted-host.js";

/** What attaching needs of a host. */
export interface Attachable extends FastPathHost, MountedHost {}

/** Options of `host.attach`. */
export interface AttachOptions {
  /**
   * False: `request` stays with the server's own listeners, and the application calls
   * `host.listener` from one of them, behind whatever middleware it has. Upgrades, extended CONNECT
   * and `Expect: 100-continue`, which middleware does not see, are wired all the same. Default:
   * true, plugins first.
   */
  readonly requests?: boolean;
  /**
   * False: Node's own parser reads every request. True: plain requests that nobody but a plugin
   * would see skip it, which is faster. Default: true.
   */
  readonly fastPath?: boolean;
  /**
   * The path below which the application has mounted the host: `"/sub"` with
   * `app.use("/sub", host.listener)`. Upgrades, extended CONNECT and `Expect: 100-continue` then are
   * for plugins where they are below it, in just these letters. With `requests: false` alone.
   * Default: none.
   */
  readonly mountPath?: string;
}

type RequestListener = (request: HostRequest, response: HostResponse) => void;
type UpgradeListener = (
  this: NodeServer,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
) => void;

/** The events of a server that a host listens to. */
interface Listeners {
  readonly request: RequestListener;
  readonly checkContinue: RequestListener;
  readonly connect: RequestListener;
  readonly upgrade: UpgradeListener;
}

/**
 * Puts a host in front of the listeners that a server has: these get what is not for a plugin.
 *
 * @throws ServeHTTPError `invalid-argument` for a mount path that is none, or that can't be
 */
export function attachListener(
  server: NodeServer,
  host: Attachable,
  options: AttachOptions = {},
): void {
  const { mountPath } = options;
  const mounted = mountPath === undefined ? host : mountedHost(host, mountPath);
  if (options.requests === false) {
    attachContinue(server, mounted);
    attachUpgrades(server, mounted, (request, response) =>
      server.emit("request", request, response),
    );
  } else if (mountPath !== undefined) {
    throw new ServeHTTPError(
      "invalid-argument",
      "attach.mountPath: goes with requests: false alone; where the host comes first, its option prefix says where plugins are",
    );
  } else {
    const passOn = nextOf(takeListeners(server, "request"));
    const listener = attachRequests(server, host, passOn);
    attachUpgrades(server, host, passOn);
    if (options.fastPath !== false) {
      installFastPath(server, host, listener);
    }
  }
  attachExtendedConnect(server, mounted);
}

/**
 * Passes requests for a plugin that wait for a 100 to the server's own listeners, one of which
 * calls `host.listener`.
 */
function attachContinue(server: NodeServer, host: MountedHost): void {
  const passOn: RequestListener = (request, response) =>
    void server.emit("request", request, response);
  const continueNext = nextOf(takeListeners(server, "checkContinue")) ?? continueFirst(passOn);
  listen(server, "checkContinue", (request, response) => {
    if (host.isRouted(request)) {
      host.awaitsContinue(request);
      passOn(request, response);
    } else {
      continueNext(request, response);
    }
  });
}

function attachRequests(
  server: NodeServer,
  host: Attachable,
  passOn: RequestListener | undefined,
): RequestListener {
  const continueNext =
    nextOf(takeListeners(server, "checkContinue")) ?? (passOn && continueFirst(passOn));
  const listener: RequestListener = (request, response) => {
    host.serve(request, response, passOn && (() => passOn(request, response)), byRequest);
  };
  listen(server, "request", listener);
  listen(server, "checkContinue", (request, response) => {
    const next = continueNext && (() => continueNext(request, response));
    host.serve(request, response, next, byCheckContinue);
  });
  return listener;
}

/** How requests come whose clients wait for a 100 (Continue). */
export const byCheckContinue = { event: "checkContinue" } as const;

/** HTTP/1: with its `upgrade` event, the server hands a connection over. */
function attachUpgrades(
  server: NodeServer,
  host: MountedHost,
  passOn: RequestListener | undefined,
): void {
  const others = takeListeners(server, "upgrade");
  /**
   * Others listen: those from before, which this listener calls, or later ones, which the server
   * calls.
   */
  const othersListen = () => others.length > 0 || server.listenerCount("upgrade") > 1;
  limitUpgrades(server, host, othersListen);
  listen(server, "upgrade", (request, socket, head) => {
    if (!host.isRouted(request) && othersListen()) {
      for (const listener of others) {
        listener.call(server, request, socket, head);
      }
      return;
    }
    const response = responseOn(socket, request);
    const next = passOn && (() => passOn(request, response));
    host.serve(request, response, next, { event: "upgrade", head });
  });
}

/**
 * Leaves a request that offers another upgrade (h2c, say) an ordinary request, as it is for a
 * server without listeners to `upgrade`. Node has `shouldUpgradeCallback` from 24.9 on; before,
 * every request that offers an upgrade comes by the event.
 */
function limitUpgrades(server: NodeServer, host: MountedHost, othersListen: () => boolean): void {
  if (!("shouldUpgradeCallback" in server)) {
    return;
  }
  const upgradable = server as { shouldUpgradeCallback: (request: IncomingMessage) => boolean };
  const before = upgradable.shouldUpgradeCallback;
  upgradable.shouldUpgradeCallback = (request) =>
    host.isRouted(request)
      ? host.mayUpgrade(request) && bodyLengthOf(request) === 0
      : othersListen() && before.call(server, request);
}

/**
 * A response on a connection that the server has handed over, for an upgrade that is answered like
 * any other request.
 */
function responseOn(socket: Socket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.destroySoon());
  socket.on("error", () => {
    // The exchange ends with the close that follows.
  });
  // Without a read under way, a socket does not notice that its client left.
  socket.read(0);
  return response;
}

/**
 * HTTP/2: WebSockets come by extended CONNECT (RFC 8441), which a server must say that it takes.
 */
function attachExtendedConnect(server: NodeServer, host: MountedHost): void {
  if (!("updateSettings" in server)) {
    return;
  }
  server.updateSettings({ enableConnectProtocol: true });
  const others = nextOf(takeListeners(server, "connect"));
  listen(server, "connect", (request, response) => {
    if (request.headers[":protocol"] === undefined) {
      (others ?? refuseConnect)(request, response);
      return;
    }
    const next = others && (() => others(request, response));
    host.serve(request, response, next, { event: "extendedConnect" });
  });
}

/** What Node does by itself for a server that does not listen to `connect`. */
function refuseConnect(_request: HostRequest, response: HostResponse): void {
  response.statusCode = 405;
  response.end();
}

/** Removes a server's listeners to an event, and returns them. */
function takeListeners<K extends keyof Listeners>(server: NodeServer, event: K): Listeners[K][] {
  const listeners = server.listeners(event) as Listeners[K][];
  server.removeAllListeners(event);
  return listeners;
}

function nextOf(listeners: readonly RequestListener[]): RequestListener | undefined {
  if (listeners.length === 0) {
    return undefined;
  }
  return (request, response) => {
    for (const listener of listeners) {
      listener(request, response);
    }
  };
}

/** What Node does by itself for a server that does not listen to `checkContinue`. */
function continueFirst(passOn: RequestListener): RequestListener {
  return (request, response) => {
    response.writeContinue();
    passOn(request, response);
  };
}

function listen<K extends keyof Listeners>(
  server: NodeServer,
  event: K,
  listener: Listeners[K],
): void {
  (server as { on(event: K, listener: Listeners[K]): unknown }).on(event, listener);
}
