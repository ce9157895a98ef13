import type { ServerOptions } from "node:http2";

/**
 * How both ends set up HTTP/2 between them. They trust each other with far more than a public
 * listener would: the limits of Node's that guard against hostile peers end the connection, and
 * every exchange on it, long before a host with many clients has done anything wrong.
 */

/**
 * What a stream may send before it is read: 1 MiB, so that one exchange is not slowed by the round
 * trip.
 */
export const streamWindowBytes = 1_048_576;

/**
 * What a host may send in all before its plugin reads it: 256 MiB, so that no exchange ever waits
 * for another.
 */
export const pluginConnectionWindowBytes = 268_435_456;

/** Streams at once that a plugin serves; the host's own limits are lower. */
const concurrentStreamsMax = 100_000;

/** In MB, Node's unit. A few hundred stalled readers use up Node's default of 10. */
const sessionMemoryMax = 4_096;

/**
 * Resets that are tolerated in a burst and then each second; a host whose clients leave resets one
 * stream each.
 */
const streamResets = 1_000_000;

export const sessionOptions = {
  maxSessionMemory: sessionMemoryMax,
  maxHeaderListPairs: 256,
  settings: {
    enablePush: false,
    initialWindowSize: streamWindowBytes,
  },
} as const;

export const serverOptions: ServerOptions = {
  ...sessionOptions,
  maxSessionRejectedStreams: streamResets,
  streamResetBurst: streamResets,
  streamResetRate: streamResets,
  settings: { ...sessionOptions.settings, maxConcurrentStreams: concurrentStreamsMax },
};
