import type { RequestParts, ResponseParts } from "./parts.js";

/*
 * A message may hold more body than its exchange has credit for. It is then sent in two: `front…`
 * returns what may be sent with `bodyBytes` bytes of body, `rest…` returns what stays. Bytes are
 * never copied, and neither function changes its argument.
 *
 * `bodyBytes` is less than the body bytes of the parts, and may be 0.
 */

/** The parts up to their body byte number `bodyBytes`; an empty object where there are none. */
export function frontOfRequest(parts: RequestParts, bodyBytes: number): RequestParts {
  const front: RequestParts = {};
  if (parts.init !== undefined) {
    front.init = parts.init;
  }
  const chunkBytes = parts.chunk?.length ?? 0;
  if (parts.chunk !== undefined && bodyBytes > 0) {
    front.chunk = parts.chunk.subarray(0, bodyBytes);
  }
  if (bodyBytes < chunkBytes) {
    return front;
  }
  if (parts.end !== undefined) {
    front.end = parts.end;
  }
  if (parts.tunnelChunk !== undefined && bodyBytes > chunkBytes) {
    front.tunnelChunk = parts.tunnelChunk.subarray(0, bodyBytes - chunkBytes);
  }
  return front;
}

/** The parts from their body byte number `bodyBytes` on. */
export function restOfRequest(parts: RequestParts, bodyBytes: number): RequestParts {
  const rest: RequestParts = {};
  const chunkBytes = parts.chunk?.length ?? 0;
  if (parts.chunk !== undefined && bodyBytes < chunkBytes) {
    rest.chunk = parts.chunk.subarray(bodyBytes);
    if (parts.end !== undefined) {
      rest.end = parts.end;
    }
  }
  if (parts.tunnelChunk !== undefined) {
    rest.tunnelChunk = parts.tunnelChunk.subarray(Math.max(bodyBytes - chunkBytes, 0));
  }
  if (parts.tunnelEnd === true) {
    rest.tunnelEnd = true;
  }
  return rest;
}

/** As `frontOfRequest`, for the plugin's direction. */
export function frontOfResponse(parts: ResponseParts, bodyBytes: number): ResponseParts {
  const front: ResponseParts = {};
  if (parts.informational !== undefined) {
    front.informational = parts.informational;
  }
  if (parts.init !== undefined) {
    front.init = parts.init;
  }
  if (parts.hijack === true) {
    front.hijack = true;
  }
  // A response has a body or a tunnel, never both.
  if (bodyBytes > 0) {
    if (parts.chunk !== undefined) {
      front.chunk = parts.chunk.subarray(0, bodyBytes);
    } else if (parts.tunnelChunk !== undefined) {
      front.tunnelChunk = parts.tunnelChunk.subarray(0, bodyBytes);
    }
  }
  return front;
}

/** As `restOfRequest`, for the plugin's direction. */
export function restOfResponse(parts: ResponseParts, bodyBytes: number): ResponseParts {
  const rest: ResponseParts = {};
  if (parts.chunk !== undefined) {
    rest.chunk = parts.chunk.subarray(bodyBytes);
    if (parts.flush === true) {
      rest.flush = true;
    }
    if (parts.end !== undefined) {
      rest.end = parts.end;
    }
  }
  if (parts.tunnelChunk !== undefined) {
    rest.tunnelChunk = parts.tunnelChunk.subarray(bodyBytes);
  }
  if (parts.tunnelEnd === true) {
    rest.tunnelEnd = true;
  }
  if (parts.extendHeadMs !== undefined) {
    rest.extendHeadMs = parts.extendHeadMs;
  }
  return rest;
}
