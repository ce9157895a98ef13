/**
 * Every bound of the carrier that is not the contract's, with its unit and its reason. Units are
 * the last word of each name.
 */

/**
 * Exchanges at once that a host may open on one connection over a network: 16,384, as many as a host
 * sends to a plugin by default.
 */
export const networkExchangesMax = 16_384;

/** The longest message of `Describe` and of the health service, all of which are small: 64 KiB. */
export const serviceMessageBytesMax = 65_536;

/**
 * Connections of the stream carrier to one plugin: 256. With the 100 streams that a stack allows at
 * least where it follows RFC 9113, section 5.1.2, that is more than a host's default of exchanges
 * at once (16,384); and it is a quarter of the descriptors that a process may open by default on
 * most systems.
 */
export const streamConnectionsMax = 256;

/**
 * Connections that exist when an upload may still open another: 192. Uploads that nobody reads hold
 * a connection each where the peer's windows are small, so the rest is kept for exchanges that need
 * no window.
 */
export const uploadConnectionsMax = 192;

/**
 * Streams that a peer is taken to allow until its SETTINGS say how many (RFC 9113, section 6.5.2,
 * recommends no fewer): 100.
 */
export const streamsBeforeSettingsMax = 100;

/**
 * Resets that a connection may carry at once: 100, and 3 more a second. Stacks end a connection
 * over many resets: Netty over 200 in 30 s, Armeria over 400 in a minute, Node over 1,000 and then
 * 33 a second. Both together stay below the strictest.
 */
export const streamResetsBurst = 100;
export const streamResetsPerSecond = 3;

/**
 * Resets of streams of which the peer has shown no sign: 10, until it shows that it has read up to
 * there. Stacks on hyper's h2 end a connection over 20 streams that were reset before they were
 * accepted.
 */
export const unseenResetsMax = 10;

/**
 * Bytes that may lie between a connection of the stream carrier and its socket: 256 KiB. Streams
 * take turns for the rest, so that bulk never lies in front of a small request by more than that.
 */
export const unsentConnectionBytesMax = 262_144;

/** The longest DATA frame that is sent to a peer that takes such: 65 KiB, a chunk's message. */
export const sentDataFrameBytesMax = 66_560;

/**
 * A connection with less than this to send on takes no further upload: 16 KiB, one frame of a body.
 */
export const uploadWindowBytesMin = 16_384;

/**
 * Bytes of requests that are kept, over all exchanges of the stream carrier to a plugin, until the
 * plugin shows that it knows them: 16 MiB, several times what a server lets a connection send
 * before it reads. A server that goes has not taken what was on its way to it, and that is sent
 * again.
 */
export const keptRequestBytesMax = 16_777_216;

/** How long a connection of the stream carrier that nothing uses is kept beside the first: 5 s. */
export const idleConnectionMs = 5_000;

/**
 * How long a plugin that has answered may take to end its RPC before the rest of the request is
 * given up with a reset: 1 s. At once would cut off whatever its handler does behind the response.
 */
export const answeredMs = 1_000;

/**
 * What a plugin may send on one stream of a host's before it is read: 1 MiB, so that no exchange is
 * slowed by the round trip.
 */
export const hostStreamWindowBytes = 1_048_576;

/**
 * What a plugin may send on one connection of a host's before the host reads it: 512 KiB. A plugin
 * keeps so much at the most when its host does not read for a moment. The credit comes back as
 * bytes are read off the socket, not as clients take them, so that no exchange waits for another.
 */
export const hostConnectionWindowBytes = 524_288;

/** How long a connection that is made anew may take: 5 s, as an answer to a health check. */
export const reconnectMs = 5_000;

/**
 * A connection that held so long is made anew at once: 1 s. One that breaks sooner would be made
 * and lost in a circle.
 */
export const steadyConnectionMs = 1_000;

/**
 * How long a mux RPC's exchanges wait for the plugin's hello, which comes at once: 1 s. Then they are
 * sent without it, in case that a plugin says it late.
 */
export const helloMs = 1_000;

/** How many response heads of a plugin are remembered: 64, a power of two. */
export const repeatedHeadsMax = 64;

/** The longest response head that is remembered: 1 KiB. */
export const repeatedHeadBytesMax = 1_024;
