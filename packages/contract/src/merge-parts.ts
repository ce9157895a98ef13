import type { BodyParts, RequestParts, ResponseParts } from "./parts.js";

/*
 * Parts that wait to be sent can go in one message, as long as the message says the same when its
 * fields apply in order. So each part that comes must apply after all that wait.
 *
 * Some parts are never merged, though they could be:
 *
 * - two chunks: to join them is to copy them, which costs about as much as the frame that it saves
 *   (0.7 µs for 2 x 64 bytes, 1.2 µs for 2 x 2 KiB, Node 24),
 * - body bytes and tunnel bytes, so that a merged message holds one chunk at most,
 * - interim responses, each of which may be as large as a whole header section. Without them a
 *   merged message holds two sections at most, and so stays below `messageBytesMax`.
 */

/**
 * Adds `parts` to `pending` and returns true. Returns false where one message can't carry both, and
 * leaves `pending` as it was. `pending` must be the caller's own object, never a shared constant.
 * The parts must be in an order that `advanceRequest` accepts.
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
  add(pending, parts);
  return true;
}

/**
 * As `mergeRequestParts`, for the plugin's direction. A flush that already waits is not sent twice.
 */
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
  add(pending, parts);
  return true;
}

function hasBody(pending: RequestParts | ResponseParts): boolean {
  return pending.chunk !== undefined || pending.tunnelChunk !== undefined;
}

/** The parts that may follow others of their message, in either direction. */
type LaterParts = BodyParts & Pick<ResponseParts, "flush">;

function add(pending: LaterParts, parts: LaterParts): void {
  if (parts.chunk !== undefined) {
    pending.chunk = parts.chunk;
    if (parts.freesChunk === true) {
      pending.freesChunk = true;
    }
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
}
