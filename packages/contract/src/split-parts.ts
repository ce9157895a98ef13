import type { RequestParts, ResponseParts } from "./parts.js";

/*
 * A message may hold more body than its exchange has credit for. It is then sent in two: `front`
 * returns what may be sent with `bodyBytes` bytes of body, `rest` returns what stays. Bytes are never
 * copied, and neither function changes its argument.
 *
 * `bodyBytes` is less than the body bytes of the parts, and may be 0. The parts may be of either
 * direction.
 */

/** The parts up to their body byte number `bodyBytes`; an empty object where there are none. */
export function front<Parts extends RequestParts | ResponseParts>(
  parts: Parts,
  bodyBytes: number,
): Parts {
  const { informational, init, hijack, chunk, freesChunk, end, tunnelChunk }: AnyParts = parts;
  const chunkBytes = chunk?.length ?? 0;
  const sent: AnyParts = {};
  if (informational !== undefined) {
    sent.informational = informational;
  }
  if (init !== undefined) {
    sent.init = init;
  }
  if (hijack !== undefined) {
    sent.hijack = hijack;
  }
  if (chunk !== undefined && bodyBytes > 0) {
    sent.chunk = chunk.subarray(0, bodyBytes);
    if (freesChunk !== undefined && bodyBytes >= chunkBytes) {
      sent.freesChunk = freesChunk;
    }
  }
  if (end !== undefined && bodyBytes >= chunkBytes) {
    sent.end = end;
  }
  if (tunnelChunk !== undefined && bodyBytes > chunkBytes) {
    sent.tunnelChunk = tunnelChunk.subarray(0, bodyBytes - chunkBytes);
  }
  return sent as Parts;
}

/** The parts from their body byte number `bodyBytes` on. */
export function rest<Parts extends RequestParts | ResponseParts>(
  parts: Parts,
  bodyBytes: number,
): Parts {
  const { chunk, freesChunk, flush, end, tunnelChunk, tunnelEnd, extendHeadMs }: AnyParts = parts;
  const chunkBytes = chunk?.length ?? 0;
  const left: AnyParts = {};
  if (chunk !== undefined && bodyBytes < chunkBytes) {
    left.chunk = chunk.subarray(bodyBytes);
    if (freesChunk !== undefined) {
      left.freesChunk = freesChunk;
    }
    if (flush !== undefined) {
      left.flush = flush;
    }
    if (end !== undefined) {
      left.end = end;
    }
  }
  if (tunnelChunk !== undefined) {
    left.tunnelChunk = tunnelChunk.subarray(Math.max(bodyBytes - chunkBytes, 0));
  }
  if (tunnelEnd !== undefined) {
    left.tunnelEnd = tunnelEnd;
  }
  if (extendHeadMs !== undefined) {
    left.extendHeadMs = extendHeadMs;
  }
  return left as Parts;
}

/** Parts of either direction. */
type AnyParts = Omit<ResponseParts, "init"> &
  Pick<RequestParts, "freesChunk"> & {
    init?: RequestParts["init"] | ResponseParts["init"];
  };
