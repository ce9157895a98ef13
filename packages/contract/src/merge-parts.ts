import type { RequestParts, ResponseParts } from "./parts.js";

/*
 * Parts that wait for a message can travel in one, as long as it still says the same when its fields apply in
 * order: each of the parts that come must belong behind all that wait.
 *
 * What is never merged, though it could be:
 *
 * - two chunks: to join them is to copy them, which costs about as much as the frame that it saves (0.7 µs for
 *   2 x 64 bytes, 1.2 µs for 2 x 2 KiB, Node 24),
 * - body bytes and tunnel bytes: a merged message holds one chunk at the most,
 * - interim responses: each may be as large as a whole header section; without them a merged message holds
 *   two sections at the most, and so stays below `messageBytesMax`.
 */

/**
 * Adds `parts` to `pending` and returns true; or returns false where one message can't carry both, with `pending` as it
 * was. `pending` must be the client's own object, no shared constant. Expects parts in an order that
 * `advanceRequest` lets through.
 */
export function mergeRequestParts(pending: RequestParts, parts: RequestParts): boolean {
  if (parts.init !== undefined || pending.tunnelEnd === true) {
    return false;
  }
  const isPastBody = pending.end !== undefined || pending.tunnelChunk !== undefined;
  if (parts.chunk !== undefined && (isPastBody || pending.chunk !== undefined)) {
    return false;
  }
  if (parts.end !== undefined && isPastBody) {
    return false;
  }
  if (parts.tunnelChunk !== undefined && hasBody(pending)) {
    return false;
  }
  if (parts.chunk !== undefined) {
    pending.chunk = parts.chunk;
  }
  if (parts.end !== undefined) {
    pending.end = parts.end;
  }
  if (parts.tunnelChunk !== undefined) {
    pending.tunnelChunk = parts.tunnelChunk;
  }
  if (parts.tunnelEnd === true) {
    pending.tunnelEnd = true;
  }
  return true;
}

/** As `mergeRequestParts`, for the plugin's direction. A flush that waits already is not sent twice. */
export function mergeResponseParts(pending: ResponseParts, parts: ResponseParts): boolean {
  if (pending.informational !== undefined || pending.extendHeadMs !== undefined) {
    return false;
  }
  if (
    parts.informational !== undefined ||
    parts.init !== undefined ||
    parts.hijack === true ||
    parts.extendHeadMs !== undefined
  ) {
    return false;
  }
  if (pending.end !== undefined || pending.tunnelEnd === true) {
    return false;
  }
  if (parts.chunk !== undefined && (pending.chunk !== undefined || pending.flush === true)) {
    return false;
  }
  if (parts.tunnelChunk !== undefined && hasBody(pending)) {
    return false;
  }
  if (parts.chunk !== undefined) {
    pending.chunk = parts.chunk;
  }
  if (parts.flush === true) {
    pending.flush = true;
  }
  if (parts.end !== undefined) {
    pending.end = parts.end;
  }
  if (parts.tunnelChunk !== undefined) {
    pending.tunnelChunk = parts.tunnelChunk;
  }
  if (parts.tunnelEnd === true) {
    pending.tunnelEnd = true;
  }
  return true;
}

function hasBody(pending: RequestParts | ResponseParts): boolean {
  return pending.chunk !== undefined || pending.tunnelChunk !== undefined;
}
