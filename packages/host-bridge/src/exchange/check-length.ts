import { ServeHTTPError } from "@servehttp/contract";
import type { ResponseHead } from "../edge/response-head.js";

/**
 * Checks what a plugin has written of its body against its Content-Length.
 *
 * @param ended no more comes
 * @throws ServeHTTPError `handler-failed` for more than it declared, or for less at the end
 */
export function checkLength(head: ResponseHead, bodyBytes: number, ended: boolean): void {
  const { contentLength } = head;
  if (contentLength === undefined) {
    return;
  }
  if (bodyBytes > contentLength) {
    const message = `the plugin wrote more than its Content-Length of ${contentLength}`;
    throw new ServeHTTPError("handler-failed", message);
  }
  if (ended && bodyBytes < contentLength) {
    const message = `the plugin wrote ${bodyBytes} bytes of its Content-Length of ${contentLength}`;
    throw new ServeHTTPError("handler-failed", message);
  }
}

/** Whether a response that consists of this head and this one chunk is as long as the head says. */
export function isWhole(head: ResponseHead, chunk: Uint8Array | undefined): boolean {
  return (
    !head.bodyAllowed ||
    head.contentLength === undefined ||
    head.contentLength === (chunk?.length ?? 0)
  );
}
