import type { EventEmitter } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectNet, type Socket } from "node:net";
import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "./wire/header-fields.js";
import { sessionOptions } from "./node/http2-settings.js";
import { connectWide } from "./node/connect-wide.js";
import { readToEnd } from "./node/read-to-end.js";
import { DedicatedConnection } from "./http2/dedicated-connection.js";
import { StreamConnections } from "./stream/stream-connections.js";
import { factsOf, type HostTls } from "./tls/host-tls.js";
import { speaksTls } from "./tls/speaks-tls.js";
import { closedBehindHandshake, isCertificateRefusal } from "./tls/tls-failure.js";

/** Where a plugin listens. */
export type PluginAddress =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** What opens the connections, where the address is https. */
      readonly tls?: HostTls;
    };

/**
 * Opens an HTTP/2 connection to a plugin; resolves when the other side has shown that it speaks
 * HTTP/2, by its SETTINGS. An error of the session's needs no listener.
 *
 * @throws ServeHTTPError `connection-failed` where nobody listens or TLS fails, `unauthenticated`
 * where the other side refuses the host's certificate, `not-a-plugin` where what answers speaks
 * something else, `deadline` or whatever reason the signal gives when it aborts first.
 */
export async function connectHttp2(
  address: PluginAddress,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  signal.throwIfAborted();
  const socket = beginSocket(address);
  const session = connect(authorityOf(address), {
    ...sessionOptions,
    createConnection: () => socket,
  });
  // An alert behind the handshake, by which servers refuse certificates in TLS 1.3, leaves both open
  // in Node 22 to 26: the session waits for the socket, and that for the session.
  socket.once("error", (error) => socket.destroy(error));
  let connected = false;
  session.once("connect", () => {
    connected = true;
  });
  session.once("goaway", (code: number, _lastStreamId: number, why?: Buffer) => {
    if (code === constants.NGHTTP2_INADEQUATE_SECURITY && why !== undefined) {
      refusals.set(session, why.toString());
    }
  });
  try {
    await untilReady(session, "remoteSettings", address, signal, (error) =>
      connectError(address, error, connected, socket),
    );
  } catch (error) {
    throw await withDiagnosis(address, error, connected, socket);
  }
  throwIfRefused(address, session);
  return session;
}

/** What the plugin said of the host's certificate as it refused it. */
const refusals = new WeakMap<ClientHttp2Session, string>();

/** @throws ServeHTTPError `unauthenticated` where the plugin has refused the host's certificate */
export function throwIfRefused(address: PluginAddress, session: ClientHttp2Session): void {
  const why = refusals.get(session);
  if (why !== undefined) {
    throw noConnection("unauthenticated", address, `it refused the host's certificate: ${why}`);
  }
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
  const socket = beginSocket(address, connectRpcSocket);
  const event = address.kind === "tcp" && address.tls !== undefined ? "secureConnect" : "connect";
  await untilReady(socket, event, address, signal, (error) =>
    connectError(address, error, false, socket),
  );
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

/**
 * Begins a connection to the address that is one RPC, which may carry bulk.
 *
 * @throws Error as `connectSocket` does
 */
export function connectRpcSocket(address: PluginAddress): Socket {
  if (address.kind === "unix") {
    return readToEnd(connectWide({ path: address.path }));
  }
  const { host, port, tls } = address;
  return tls === undefined
    ? readToEnd(connectWide({ host, port })).setNoDelay(true)
    : connectSocket(address);
}

/**
 * Begins a connection to the address.
 *
 * @throws Error where the host's certificates can't be used
 */
export function connectSocket(address: PluginAddress): Socket {
  if (address.kind === "unix") {
    return readToEnd(connectNet({ path: address.path }));
  }
  const { host, port, tls } = address;
  // TLS has no option for it.
  return (
    tls === undefined ? readToEnd(connectNet({ host, port })) : tls.connect(host, port)
  ).setNoDelay(true);
}

/** @throws ServeHTTPError `connection-failed` where the host's certificates can't be used */
function beginSocket(address: PluginAddress, begin = connectSocket): Socket {
  try {
    return begin(address);
  } catch (thrown) {
    throw connectError(address, thrown as Error, false);
  }
}

function connectError(
  address: PluginAddress,
  error: Error,
  connected: boolean,
  socket?: Socket,
): ServeHTTPError {
  const code = "code" in error ? String(error.code) : "";
  if (connected && code.startsWith("ERR_HTTP2")) {
    return notHttp2(address, error);
  }
  const facts = socket && factsOf(socket);
  const isRefused = facts !== undefined && isCertificateRefusal({ code }, facts);
  const kind = isRefused ? "unauthenticated" : "connection-failed";
  return noConnection(kind, address, error.message, error);
}

function noConnection(
  code: "connection-failed" | "unauthenticated",
  address: PluginAddress,
  why: string,
  cause?: unknown,
): ServeHTTPError {
  const message = `no connection to ${describeAddress(address)}: ${why}`;
  return new ServeHTTPError(code, message, cause === undefined ? undefined : { cause });
}

/** Says what else is known of a connection on which no HTTP/2 was spoken. */
async function withDiagnosis(
  address: PluginAddress,
  error: unknown,
  connected: boolean,
  socket: Socket,
): Promise<unknown> {
  const failure = ServeHTTPError.from(error);
  if (!connected || address.kind === "unix") {
    return error;
  }
  const facts = factsOf(socket);
  const isReset = (failure.cause as NodeJS.ErrnoException | undefined)?.code === "ECONNRESET";
  if (facts !== undefined && (isReset || (failure.code === "not-a-plugin" && !failure.cause))) {
    const why = closedBehindHandshake(facts);
    return noConnection("connection-failed", address, why, failure.cause);
  }
  if (facts === undefined && failure.code === "not-a-plugin" && (await speaksTls(address))) {
    const message = `what listens at ${describeAddress(address)} speaks TLS: write https:// in the url`;
    return new ServeHTTPError("not-a-plugin", message, { cause: failure.cause });
  }
  return error;
}

function notHttp2(address: PluginAddress, cause?: Error): ServeHTTPError {
  return new ServeHTTPError(
    "not-a-plugin",
    `what listens at ${describeAddress(address)} does not speak HTTP/2; a plugin is a gRPC server`,
    cause === undefined ? undefined : { cause },
  );
}
