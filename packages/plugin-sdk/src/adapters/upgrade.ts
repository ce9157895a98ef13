import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { isThenable, ServeHTTPError } from "@servehttp/contract";
import { clientOf, ClientSocket } from "../exchange/client-socket.js";
import { fieldsOf } from "../handler/header-list.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ServeHTTP } from "../handler/serve-http.js";
import { upgradeBodyBytesMax } from "../limits.js";
import { completeIncoming, toIncomingMessage } from "./node-request.js";
import type { ServerTraits } from "./server-traits.js";

/**
 * A listener of the event `upgrade` of Node's server, as `ws` and the like want it. It gets the
 * client's connection and writes every byte of the answer. `head` is what the client sent behind
 * the request. A body of the request, 1 MiB at most, has been read and is in the request.
 */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => unknown;

/**
 * Whether a server of Node's would emit `upgrade` for the request, and the client's connection can
 * be taken over.
 */
export function wantsUpgrade(request: PluginRequest, traits: ServerTraits): boolean {
  if (!request.hijackable || !request.headers.has("upgrade")) {
    return false;
  }
  const server = traits.server as Server & Partial<ShouldUpgrade>;
  if (server.shouldUpgradeCallback === undefined) {
    return server.listenerCount("upgrade") > 0;
  }
  const socket = new ClientSocket(clientOf(request.remoteAddress, request.scheme));
  return server.shouldUpgradeCallback(toIncomingMessage(request, socket, traits));
}

/** An option of servers since Node 24.9. */
interface ShouldUpgrade {
  shouldUpgradeCallback(incoming: IncomingMessage): boolean;
}

/**
 * `serveHTTP` for requests that a server's listeners of `upgrade` take.
 *
 * @param takeResult what the listener has returned that was called last
 */
export function serveUpgrade(traits: ServerTraits, takeResult: () => unknown): ServeHTTP {
  return async (request, response) => {
    const body = await bodyOf(request);
    if (body === undefined) {
      response.writeHead(413);
      return;
    }
    const { socket, head } = await response.hijack();
    // What `hijack` gives is one, though it promises a Duplex only.
    const incoming = toIncomingMessage(request, socket as ClientSocket, traits);
    incoming.upgrade = true;
    if (body.length > 0) {
      incoming.push(body);
    }
    completeIncoming(incoming, fieldsOf(await request.trailers));
    const closed = new Promise<void>((resolve) => {
      socket.once("close", resolve);
    });
    if (!traits.server.emit("upgrade", incoming, socket, head)) {
      throw new ServeHTTPError("invalid-argument", "the server has no listener of upgrade");
    }
    const result = takeResult();
    if (isThenable(result)) {
      await result;
    }
    // A listener of `upgrade` returns long before its connection ends.
    await closed;
  };
}

/**
 * The body of a request for an upgrade, which has to be complete before the protocol changes (RFC
 * 9110, section 7.8). Undefined where it is too long.
 */
async function bodyOf(request: PluginRequest): Promise<Uint8Array | undefined> {
  try {
    return await request.bytes({ limitBytes: upgradeBodyBytesMax });
  } catch (error) {
    if (error instanceof ServeHTTPError && error.code === "body-too-large") {
      return undefined;
    }
    throw error;
  }
}
