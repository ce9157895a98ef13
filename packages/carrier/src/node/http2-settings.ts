import type { ServerOptions } from "node:http2";
import { networkExchangesMax } from "../limits.js";

/**
 * How both ends set up HTTP/2 between them. They trust each other with far more than a public
 * listener would. Node's limits against hostile peers would end the connection, and every exchange
 * on it, long before a host with many clients has done anything wrong.
 */

/**
 * What a stream may send before it is read: 1 MiB, so that an exchange need not wait for the round
 * trip.
 */
export const streamWindowBytes = 1_048_576;

/**
 * What a host may send on a connection before its plugin reads it: 256 MiB, so that no exchange
 * ever waits for another.
 */
export const pluginConnectionWindowBytes = 268_435_456;

/** What a plugin lets one connection do. */
export interface ConnectionLimits {
  /** Exchanges at once on one connection, on either carrier. */
  readonly exchangesMax: number;
  /** Resets of streams in a burst, and streams that may be refused. */
  readonly resetsBurstMax: number;
  readonly resetsPerSecondMax: number;
  /** In MB, Node's unit. A few hundred stalled readers use up Node's default of 10. */
  readonly sessionMegabytesMax: number;
}

/**
 * On a unix socket, where only the host that owns its directory connects: more than any host asks
 * for. A host whose clients leave resets one stream each.
 */
export const localLimits: ConnectionLimits = {
  exchangesMax: 100_000,
  resetsBurstMax: 1_000_000,
  resetsPerSecondMax: 1_000_000,
  sessionMegabytesMax: 4_096,
};

/**
 * On TCP, where others may connect as well: exchanges as many as a host sends by default, and
 * ten times the resets that Node's own servers bear, which is more than hosts of ours send.
 */
export const networkLimits: ConnectionLimits = {
  exchangesMax: networkExchangesMax,
  resetsBurstMax: 10_000,
  resetsPerSecondMax: 330,
  sessionMegabytesMax: 1_024,
};

export const sessionOptions = {
  maxSessionMemory: localLimits.sessionMegabytesMax,
  maxHeaderListPairs: 256,
  settings: {
    enablePush: false,
    initialWindowSize: streamWindowBytes,
  },
} as const;

/** How a plugin's server sets up its connections. */
export function serverOptions(limits: ConnectionLimits): ServerOptions {
  return {
    ...sessionOptions,
    maxSessionMemory: limits.sessionMegabytesMax,
    maxSessionRejectedStreams: limits.resetsBurstMax,
    streamResetBurst: limits.resetsBurstMax,
    streamResetRate: limits.resetsPerSecondMax,
    settings: { ...sessionOptions.settings, maxConcurrentStreams: limits.exchangesMax },
  };
}
