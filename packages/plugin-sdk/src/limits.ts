/** Bounds of this package alone. Those that both ends share are in `@servehttp/contract`. */

/**
 * What `bytes()`, `text()` and `json()` of a request hold when their `limitBytes` is not given: 1 MiB. Enough for forms
 * and JSON documents; whoever takes files reads chunk by chunk.
 */
export const bufferedBodyBytesDefault = 1_048_576;

/**
 * Writes of Node streams that wait together are joined up to this sum: 16 KiB. Below it one copy costs less than one
 * more part; a WebSocket frame is a head of some bytes and its payload.
 */
export const joinBytesMax = 16_384;

/** How long `close` of a plugin waits for what runs when its `drainMs` is not given: 10 seconds. */
export const drainMsDefault = 10_000;

/**
 * How long a plugin whose grace has run out lets its hosts hear so, before it closes their connections: 1 second. A
 * host that is there hears it at once.
 */
export const drainAgainMs = 1_000;
