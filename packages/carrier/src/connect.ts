import type { EventEmitter } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectNet, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "./wire/header-fields.js";
import { sessionOptions } from "./node/http2-settings.js";
import { readToEnd } from "./node/read-to-end.js";
import { DedicatedConnection } from "./http2/dedicated-connection.js";
import { StreamConnections } from "./stream/stream-connections.js";

/** Where a plugin listens. */
export type PluginAddress =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** TLS with these options of `node:tls`, where the address is https. */
      readonly tls?: ConnectionOptions;
    };

/**
 * Opens an HTTP/2 connection to a plugin; resolves when the other side has shown that it speaks
 * HTTP/2, by its SETTINGS. An error of the session's needs no listener.
 *
 * @throws ServeHTTPError `connection-failed` where nobody listens or TLS fails, `not-a-plugin`
 * where what answers speaks something else, `deadline` or whatever reason the signal gives when it
 * aborts first.
 */
export async function connectHttp2(
  address: PluginAddress,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  signal.throwIfAborted();
  const session = connect(authorityOf(address), {
    ...sessionOptions,
    createConnection: () => connectSocket(address),
  });
  let connected = false;
  session.once("connect", () => {
    connected = true;
  });
  await untilReady(session, "remoteSettings", address, signal, (error) =>
    connectError(address, error, connected),
  );
  return session;
}

/**
 * Opens a connection that is one RPC; resolves when it is connected.
 *
 * @throws ServeHTTPError as `connectHttp2` does
 */
export async function connectDedicated(
  address: PluginAddress,
  fields: HeaderFields,
  signal: AbortSignal,
): Promise<DedicatedConnection> {
  signal.throwIfAborted();
  const socket = connectSocket(address);
  const event = address.kind === "tcp" && address.tls !== undefined ? "secureConnect" : "connect";
  await untilReady(socket, event, address, signal, (error) => connectError(address, error, false));
  return DedicatedConnection.open(socket, fields);
}

/**
 * Opens the first connection of a stream carrier; resolves when the other side has shown that it
 * speaks HTTP/2. `warn` is called with what is wrong with the plugin's server though nothing failed
 * by it yet.
 *
 * @throws ServeHTTPError as `connectHttp2` does
 */
export async function connectStreams(
  address: PluginAddress,
  fields: HeaderFields,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<StreamConnections> {
  signal.throwIfAborted();
  const connections = new StreamConnections({
    connect: () => connectSocket(address),
    fields,
    warn,
    nowMs: () => performance.now(),
  });
  const onAbort = () => void connections.close("now");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await connections.connect();
    return connections;
  } catch (error) {
    if (signal.aborted) {
      throw ServeHTTPError.from(signal.reason, "deadline");
    }
    const failure = ServeHTTPError.from(error);
    throw failure.code === "unavailable"
      ? connectError(address, failure, false)
      : notHttp2(address, failure);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Waits for the event that says that a connection is there, and destroys one that fails, closes or
 * takes too long before it.
 */
async function untilReady(
  connection: EventEmitter & { destroy(): void },
  event: string,
  address: PluginAddress,
  signal: AbortSignal,
  errorOf: (error: Error) => ServeHTTPError,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(ServeHTTPError.from(signal.reason, "deadline"));
  const onClose = () => reject(notHttp2(address));
  connection.once(event, () => resolve());
  // Also for as long as the connection lives: what its loss means is told by its streams and by
  // `close`.
  connection.on("error", (error: Error) => reject(errorOf(error)));
  connection.once("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    connection.off("close", onClose);
  }
}

/** The authority by which HTTP/2 and gRPC name the plugin. */
export function authorityOf(address: PluginAddress): string {
  if (address.kind === "unix") {
    return "http://localhost";
  }
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${address.tls === undefined ? "http" : "https"}://${host}:${address.port}`;
}

/** The address as people write it. */
export function describeAddress(address: PluginAddress): string {
  return address.kind === "unix" ? `unix:${address.path}` : authorityOf(address);
}

/** Begins a connection to the address. */
export function connectSocket(address: PluginAddress): Socket {
  if (address.kind === "unix") {
    return readToEnd(connectNet({ path: address.path }));
  }
  const { host, port, tls } = address;
  // TLS has no option for it.
  return (
    tls === undefined ? readToEnd(connectNet({ host, port })) : connectOverTls(host, port, tls)
  ).setNoDelay(true);
}

function connectOverTls(host: string, port: number, tls: ConnectionOptions): Socket {
  // No server name is an address (RFC 6066, section 3); the certificate is checked against it all
  // the same.
  const servername = isIP(host) === 0 ? { servername: host } : undefined;
  return connectTls({ host, port, ...servername, ALPNProtocols: ["h2"], ...tls });
}

function connectError(address: PluginAddress, error: Error, connected: boolean): ServeHTTPError {
  const code = "code" in error ? String(error.code) : "";
  if (connected && code.startsWith("ERR_HTTP2")) {
    return notHttp2(address, error);
  }
  return new ServeHTTPError(
    "connection-failed",
    `no connection to ${describeAddress(address)}: ${error.message}`,
    { cause: error },
  );
}

function notHttp2(address: PluginAddress, cause?: Error): ServeHTTPError {
  return new ServeHTTPError(
    "not-a-plugin",
    `what listens at ${describeAddress(address)} does not speak HTTP/2; a plugin is a gRPC server`,
    cause === undefined ? undefined : { cause },
  );
}
