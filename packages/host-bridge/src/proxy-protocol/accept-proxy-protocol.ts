import type { Server } from "node:http";
import type { Socket } from "node:net";
import { type Logger, ServeHTTPError } from "@servehttp/contract";
import { deferConnections, defersConnections } from "../client/connection-listeners.js";
import { isNode } from "../client/is-node.js";
import type { NodeServer } from "../client/node-types.js";
import { peerOf } from "../client/remote-address.js";
import { type Given, listOf, shape, text, value, whole } from "../edge/option-kinds.js";
import { isProxyRange, TrustedProxies } from "../edge/trusted-proxies.js";
import { hostLogger, isLogger } from "../options/host-logger.js";
import { optionError } from "../options/option-error.js";
import { awaitHeader } from "./await-header.js";
import type { ProxyHeader } from "./proxy-header.js";
import { setClientAddress } from "./set-client-address.js";

const proxyProtocolKeys = {
  /**
   * Who sends a header on each of its connections, and is believed: addresses, ranges such as
   * `"10.0.0.0/8"`, and `"unix"` for whoever connects to a unix socket. Connections of anybody else
   * are served as they are.
   */
  from: listOf(
    text('an IP address, a range such as "10.0.0.0/8", or "unix"', isProxyRange),
    'an array of addresses, ranges such as "10.0.0.0/8", and "unix"',
  ).refine((senders) => senders.length > 0, { error: "an array of at least one" }),
  /** From the connection to the end of its header, in milliseconds. Default: 5,000. */
  headerMs: whole(1, 600_000).default(5_000),
  /**
   * Gets a line for each connection that is closed over its header; `false`: nobody does. Default: a
   * logger of its own that writes JSON lines to standard output, as `createPluginHost` has.
   */
  logger: value<Logger | false>("a logger with warn and error, or false", isLogger).optional(),
};

/** Options of `acceptProxyProtocol`. */
export interface ProxyProtocolOptions extends Given<typeof proxyProtocolKeys, "from"> {}

export const proxyProtocolSchema = shape(proxyProtocolKeys);

/**
 * Makes a server read the header of the PROXY protocol, version 1 or 2, with which balancers that
 * pass on bytes say who their client is. The connection then has the client's address in
 * `remoteAddress` and `remotePort`, for plugins and for the application alike, whatever the server
 * speaks: HTTP/1, HTTP/2, and TLS behind the header. A connection that must begin with a header and
 * does not is closed, with a line of the log.
 *
 * A header that says the connection is the balancer's own (LOCAL, UNKNOWN) leaves its address. Bytes
 * behind the addresses (TLV) are skipped. Don't name such a balancer in `edge.trustedProxies`:
 * what comes by it was written by clients.
 *
 * May be called before or after `host.attach`, once, and after the application's own listeners of
 * `connection`. Returns the server.
 *
 * ```ts
 * const server = acceptProxyProtocol(createServer(), { from: ["10.0.0.0/8"] });
 * host.attach(server).listen(8080);
 * ```
 *
 * @throws ServeHTTPError `invalid-argument` for bad options, for a server that does so already, and
 *   on Deno and Bun, whose servers don't show what connections begin with
 * @see https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
export function acceptProxyProtocol<S extends NodeServer>(
  server: S,
  options: ProxyProtocolOptions,
): S {
  const { from, headerMs, logger: given } = readOptions(options);
  if (!isNode) {
    throw new ServeHTTPError(
      "invalid-argument",
      "the PROXY protocol can't be read on Deno and Bun, whose servers read connections themselves",
    );
  }
  if (defersConnections(server)) {
    throw new ServeHTTPError("invalid-argument", "the server reads the PROXY protocol already");
  }
  const senders = new TrustedProxies(from);
  const logger = hostLogger(given);
  const waiting = new Set<Socket>();
  deferConnections(server, (socket, passOn) => {
    const peer = peerOf(socket);
    if (!senders.hasPeer(peer)) {
      passOn();
      return;
    }
    waiting.add(socket);
    awaitHeader(socket, headerMs, {
      onHeader(found) {
        waiting.delete(socket);
        applyHeader(socket, found);
        passOn();
      },
      onFault(reason) {
        waiting.delete(socket);
        logger.warn({ peer, reason }, `a connection was closed: its PROXY header ${reason}`);
      },
      onClosed() {
        waiting.delete(socket);
        logger.debug({ peer }, "a connection was closed before its PROXY header");
      },
    });
  });
  closeWith(server, waiting);
  return server;
}

function readOptions(given: unknown) {
  const read = proxyProtocolSchema.safeParse(given);
  if (!read.success) {
    throw optionError(read.error, ["acceptProxyProtocol"], given);
  }
  return read.data;
}

function applyHeader(socket: Socket, header: ProxyHeader): void {
  if (header.kind !== "own") {
    setClientAddress(socket, header.kind === "address" ? header.client : undefined);
  }
}

/** Makes the methods that end a server's connections end those that wait for their header. */
function closeWith(server: NodeServer, waiting: ReadonlySet<Socket>): void {
  const closeWaiting = (): void => {
    for (const socket of waiting) {
      socket.destroy();
    }
  };
  // Servers of HTTP/2 have no `closeAllConnections`.
  const closable = server as Pick<Server, "close"> & Partial<Pick<Server, "closeAllConnections">>;
  const { close, closeAllConnections } = closable;
  closable.close = (callback) => {
    closeWaiting();
    return close.call(server, callback);
  };
  if (closeAllConnections !== undefined) {
    closable.closeAllConnections = () => {
      closeWaiting();
      closeAllConnections.call(server);
    };
  }
}
