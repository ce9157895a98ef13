import type { Server } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { HostRequest, HostResponse, Listener } from "./listener.js";

/** Any of Node's HTTP servers. */
export type NodeServer = Server | Http2Server | Http2SecureServer;

type RequestListener = (request: HostRequest, response: HostResponse) => void;

/** Puts a host's listener in front of those that a server has: they get what is not for a plugin. */
export function attachListener(server: NodeServer, serve: Listener): void {
  const requestListeners = takeListeners(server, "request");
  const continueListeners = takeListeners(server, "checkContinue");
  const passOn = nextOf(requestListeners);
  on(server, "request", (request, response) => {
    serve(request, response, passOn && (() => passOn(request, response)), "request");
  });
  on(server, "checkContinue", (request, response) => {
    const next = nextOf(continueListeners) ?? continueFirst(passOn);
    serve(request, response, next && (() => next(request, response)), "checkContinue");
  });
}

function takeListeners(server: NodeServer, event: string): readonly RequestListener[] {
  const listeners = server.listeners(event) as RequestListener[];
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
function continueFirst(passOn: RequestListener | undefined): RequestListener | undefined {
  if (passOn === undefined) {
    return undefined;
  }
  return (request, response) => {
    response.writeContinue();
    passOn(request, response);
  };
}

function on(server: NodeServer, event: string, listener: RequestListener): void {
  (server as { on(event: string, listener: RequestListener): unknown }).on(event, listener);
}
