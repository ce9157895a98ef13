import type {
  ExchangeChannel,
  PartReceiver,
  RequestParts,
  ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import {
  authorityOf,
  connectDedicated,
  connectRpcSocket,
  connectStreams,
  type PluginAddress,
} from "./connect.js";
import { DedicatedConnection } from "./http2/dedicated-connection.js";
import { MuxConnections } from "./mux-connections.js";
import { dedicatedMuxHeaders, rpcHeaders, serveHTTPPath } from "./wire/rpc-paths.js";

/** What carries exchanges to a plugin, on as many connections as it needs. */
export interface HostCarrier {
  /**
   * Opens an exchange.
   *
   * @throws ServeHTTPError `connection-lost` where no more can be opened
   */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts>;
  /**
   * Whether something waits to be sent at the end of this turn of the event loop, so that another
   * exchange goes out with it.
   */
  readonly gathers: boolean;
  /**
   * Settles, and never rejects, when no more exchanges can be opened, with the reason:
   * `connection-lost`, or `plugin-closing` where those that are open may still end.
   */
  readonly lost: Promise<ServeHTTPError>;
  /**
   * Opens no more exchanges, and closes all connections: when the exchanges are over, or with `now`
   * at once. Resolves when all are closed.
   */
  close(how: "drained" | "now"): Promise<void>;
}

/**
 * Connects to a plugin for exchanges on a carrier. `token` is what it is shown; `warn` is called
 * with what is wrong with the plugin's server though nothing failed by it yet, once for each.
 *
 * @throws ServeHTTPError `connection-failed` where nobody listens or TLS fails, `not-a-plugin`
 * where what answers speaks something else, `deadline` or whatever reason the signal gives when it
 * aborts first
 */
export async function connectCarrier(
  address: PluginAddress,
  token: string | undefined,
  kind: "mux" | "stream",
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<HostCarrier> {
  const authority = authorityOf(address);
  if (kind === "stream") {
    const fields = rpcHeaders(serveHTTPPath, authority, token);
    return connectStreams(address, fields, warn, signal);
  }
  const fields = dedicatedMuxHeaders(authority, token);
  return new MuxConnections(
    await connectDedicated(address, fields, signal),
    () => DedicatedConnection.open(connectRpcSocket(address), fields),
    () => performance.now(),
  );
}
