/** Bounds of this package alone. Those that both ends share are in `@servehttp/contract`. */

/**
 * The longest body that `bytes()`, `text()` and `json()` read where their `limitBytes` is not
 * given: 1 MiB. Enough for forms and JSON documents; handlers that take files read chunk by chunk.
 */
export const bufferedBodyBytesDefault = 1_048_576;

/**
 * Writes of Node's streams that wait together are joined up to this sum: 16 KiB. Below it a copy
 * costs less than one more part; a WebSocket frame is a head of some bytes and its payload.
 */
export const joinBytesMax = 16_384;

/**
 * How long a client's socket in the style of Node stays without a request: 10 seconds. A server of
 * Node's keeps connections for 5 seconds, and one more, unless it is told otherwise.
 */
export const clientSocketIdleMs = 10_000;

/**
 * How many sockets of clients one server in the style of Node keeps from request to request: 16,384.
 * An idle one takes about 1.5 KB. With more client connections, those beyond get a socket for each
 * request.
 */
export const clientSocketsMax = 16_384;

/**
 * The longest body of a request for an upgrade in the style of Node: 1 MiB. It is held in memory,
 * because it has to be complete before the protocol changes.
 */
export const upgradeBodyBytesMax = 1_048_576;

/**
 * How long a host that speaks Connect may keep its own way of an RPC open after the answer has gone
 * out: 10 seconds. A reset at once would make slow readers fail; none at all would leave a stream
 * open for each early answer.
 */
export const halfOpenMs = 10_000;

/**
 * The longest line that is logged on standard error: 8 KiB, behind which hosts cut lines of output.
 */
export const logLineBytesMax = 8_192;

/**
 * How long `close` of a plugin waits for running handlers where `drainMs` is not given: 10 seconds.
 */
export const drainMsDefault = 10_000;

/**
 * How long a plugin whose `drainMs` have passed waits for its hosts to hear so, before it closes
 * their connections: 1 second. A host that is alive hears it at once.
 */
export const drainAgainMs = 1_000;

/** Connections that wait for the next call to another plugin: 64. Those beyond are closed. */
export const freeCallConnectionsMax = 64;
