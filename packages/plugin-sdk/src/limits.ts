/** Bounds of this package alone. Those that both ends share are in `@servehttp/contract`. */

/**
 * What `bytes()`, `text()` and `json()` of a request hold when their `limitBytes` is not given: 1 MiB. Enough for forms
 * and JSON documents; whoever takes files reads chunk by chunk.
 */
export const bufferedBodyBytesDefault = 1_048_576;

/**
 * Writes of Node streams that wait together are joined up to this sum: 16 KiB. Below it one copy costs less than one
 * more part; a WebSocket frame is a head of some octets and its payload.
 */
export const joinBytesMax = 16_384;
