import { createHash } from "node:crypto";

/** 16 bytes in base64 (RFC 6455, section 4.1). */
const keyPattern = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** RFC 6455, section 1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * The Sec-WebSocket-Key of a request, where it has exactly one that is valid. An extended CONNECT
 * needs none (RFC 8441, section 5), but proxies that have turned an HTTP/1 upgrade into one keep
 * their client's.
 *
 * @param rawHeaders as Node gives them: name, value, name, value
 */
export function webSocketKey(rawHeaders: readonly string[]): string | undefined {
  let key: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (isWebSocketKeyName(rawHeaders[at] as string)) {
      if (key !== undefined) {
        return undefined;
      }
      key = rawHeaders[at + 1];
    }
  }
  return key !== undefined && keyPattern.test(key) ? key : undefined;
}

/** Whether a header name is Sec-WebSocket-Key. */
export function isWebSocketKeyName(name: string): boolean {
  return name.length === 17 && name.toLowerCase() === "sec-websocket-key";
}

/** The Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2). */
export function webSocketAccept(key: string): string {
  return createHash("sha1")
    .update(key + acceptSuffix)
    .digest("base64");
}
