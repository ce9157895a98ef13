import { bodyChunkBytesMax, informationalCountMax } from "./limits.js";
import type { InformationalResponse, RequestParts, ResponseParts } from "./parts.js";
import { ServeHTTPError } from "./servehttp-error.js";

/*
 * The order of parts (exchange.proto, steps 1 to 5), as both ends check it. Orders are plain
 * values: a message advances one to the next, and nothing is allocated on the way.
 *
 * The request:
 *
 *   unopened     -> body          [advanceRequest: init]
 *   body         -> body          [advanceRequest: chunk]
 *   body         -> ended         [advanceRequest: end]
 *   ended        -> ended         [advanceRequest: tunnelChunk, once the response hijacked]
 *   ended        -> tunnel-ended  [advanceRequest: tunnelEnd, once the response hijacked]
 *
 * The response:
 *
 *   0            -> 1 .. 16       [advanceResponse: informational, one for each]
 *   0 .. 16      -> the same      [advanceResponse: extendHeadMs]
 *   0 .. 16      -> body          [advanceResponse: init]
 *   0 .. 16      -> tunnel        [advanceResponse: hijack]
 *   body         -> body          [advanceResponse: chunk, flush]
 *   body         -> ended         [advanceResponse: end]
 *   tunnel       -> tunnel        [advanceResponse: tunnelChunk]
 *   tunnel       -> tunnel-ended  [advanceResponse: tunnelEnd]
 *
 * Everything else is a violation.
 */

/**
 * How far a request has come. A request that stops at an order other than `ended` and
 * `tunnel-ended` was cut off.
 */
export type RequestOrder = "unopened" | "body" | "ended" | "tunnel-ended";

/**
 * How far a response has come. Before its head it is the number of interim responses so far, so
 * that their limit needs no object.
 */
export type ResponseOrder = number | "body" | "ended" | "tunnel" | "tunnel-ended";

/** The order of a request before its first part. */
export const initialRequestOrder: RequestOrder = "unopened";

/** The order of a response before its first part. */
export const initialResponseOrder: ResponseOrder = 0;

/**
 * Applies one message of the host's direction, its parts in field order.
 *
 * `hijacked` says whether the plugin has taken the client's connection over (`isHijacked`): only
 * then may tunnel parts follow the end of the request.
 *
 * @throws ServeHTTPError `protocol-violation` that names the part, the order and what was allowed
 */
export function advanceRequest(
  order: RequestOrder,
  parts: RequestParts,
  hijacked: boolean,
): RequestOrder {
  let next = order;
  if (parts.init !== undefined) {
    if (next !== "unopened") {
      throw requestViolation("init", next, hijacked);
    }
    next = "body";
  }
  if (parts.chunk !== undefined) {
    if (next !== "body") {
      throw requestViolation("chunk", next, hijacked);
    }
    checkChunk("request chunk", parts.chunk);
  }
  if (parts.end !== undefined) {
    if (next !== "body") {
      throw requestViolation("end", next, hijacked);
    }
    next = "ended";
  }
  if (parts.tunnelChunk !== undefined) {
    if (next !== "ended" || !hijacked) {
      throw requestViolation("tunnelChunk", next, hijacked);
    }
    checkChunk("request tunnelChunk", parts.tunnelChunk);
  }
  if (parts.tunnelEnd === true) {
    if (next !== "ended" || !hijacked) {
      throw requestViolation("tunnelEnd", next, hijacked);
    }
    next = "tunnel-ended";
  }
  if (next === order && parts.chunk === undefined && parts.tunnelChunk === undefined) {
    throw new ServeHTTPError(
      "protocol-violation",
      "empty message: a request message without parts",
    );
  }
  return next;
}

/**
 * Applies one message of the plugin's direction, its parts in field order. It does not check the
 * status of `init`: one outside 200 to 999 is a fault of the handler and no broken order.
 *
 * @throws ServeHTTPError `protocol-violation` that names the part, the order and what was allowed
 */
export function advanceResponse(order: ResponseOrder, parts: ResponseParts): ResponseOrder {
  let next = order;
  if (parts.informational !== undefined) {
    next = advanceInformational(next, parts.informational);
  }
  if (parts.init !== undefined) {
    if (typeof next !== "number") {
      throw responseViolation("init", next);
    }
    next = "body";
  }
  if (parts.hijack === true) {
    if (typeof next !== "number") {
      throw responseViolation("hijack", next);
    }
    next = "tunnel";
  }
  if (parts.chunk !== undefined) {
    if (next !== "body") {
      throw responseViolation("chunk", next);
    }
    checkChunk("response chunk", parts.chunk);
  }
  if (parts.flush === true && next !== "body") {
    throw responseViolation("flush", next);
  }
  if (parts.end !== undefined) {
    if (next !== "body") {
      throw responseViolation("end", next);
    }
    next = "ended";
  }
  if (parts.tunnelChunk !== undefined) {
    if (next !== "tunnel") {
      throw responseViolation("tunnelChunk", next);
    }
    checkChunk("response tunnelChunk", parts.tunnelChunk);
  }
  if (parts.tunnelEnd === true) {
    if (next !== "tunnel") {
      throw responseViolation("tunnelEnd", next);
    }
    next = "tunnel-ended";
  }
  if (parts.extendHeadMs !== undefined && typeof next !== "number") {
    throw responseViolation("extendHeadMs", next);
  }
  if (next === order && isStandingMessageEmpty(parts)) {
    throw new ServeHTTPError(
      "protocol-violation",
      "empty message: a response message without parts",
    );
  }
  return next;
}

/**
 * Whether nothing more can follow in the host's direction. `hijacked` is that of `advanceRequest`.
 * A request that was over is not over any more once the response hijacks.
 */
export function isRequestOver(order: RequestOrder, hijacked: boolean): boolean {
  return order === "tunnel-ended" || (order === "ended" && !hijacked);
}

/** Whether nothing more can follow in the plugin's direction. */
export function isResponseOver(order: ResponseOrder): boolean {
  return order === "ended" || order === "tunnel-ended";
}

/** Whether the response has taken the client's connection over. */
export function isHijacked(order: ResponseOrder): boolean {
  return order === "tunnel" || order === "tunnel-ended";
}

function advanceInformational(
  order: ResponseOrder,
  informational: readonly InformationalResponse[],
): ResponseOrder {
  if (informational.length === 0) {
    return order;
  }
  if (typeof order !== "number") {
    throw responseViolation("informational", order);
  }
  for (const { status } of informational) {
    if (!Number.isInteger(status) || status < 100 || status === 101 || status > 199) {
      throw new ServeHTTPError(
        "protocol-violation",
        `response informational of status ${status}: allowed are 100 and 102 to 199`,
      );
    }
  }
  const count = order + informational.length;
  if (count > informationalCountMax) {
    throw new ServeHTTPError(
      "protocol-violation",
      `response informational number ${count}: allowed are ${informationalCountMax} in an exchange`,
    );
  }
  return count;
}

/** Whether a message says nothing at all. Only for one that left the order as it was. */
function isStandingMessageEmpty(parts: ResponseParts): boolean {
  return (
    parts.chunk === undefined &&
    parts.flush !== true &&
    parts.tunnelChunk === undefined &&
    parts.extendHeadMs === undefined
  );
}

function checkChunk(what: string, chunk: Uint8Array): void {
  const bytes = chunk.length;
  if (bytes === 0 || bytes > bodyChunkBytesMax) {
    throw new ServeHTTPError(
      "protocol-violation",
      `${what} of ${bytes} bytes: allowed are 1 to ${bodyChunkBytesMax}`,
    );
  }
}

function requestViolation(part: string, order: RequestOrder, hijacked: boolean): ServeHTTPError {
  const allowed =
    order === "unopened"
      ? "init"
      : order === "body"
        ? "chunk, end"
        : order === "ended" && hijacked
          ? "tunnelChunk, tunnelEnd"
          : "nothing";
  return orderViolation("request", part, order, allowed);
}

function responseViolation(part: string, order: ResponseOrder): ServeHTTPError {
  if (typeof order === "number") {
    const allowed = "informational, init, hijack, extendHeadMs";
    return orderViolation("response", part, "unanswered", allowed);
  }
  const allowed =
    order === "body"
      ? "chunk, flush, end"
      : order === "tunnel"
        ? "tunnelChunk, tunnelEnd"
        : "nothing";
  return orderViolation("response", part, order, allowed);
}

function orderViolation(
  direction: string,
  part: string,
  order: string,
  allowed: string,
): ServeHTTPError {
  return new ServeHTTPError(
    "protocol-violation",
    `${direction} ${part} in state "${order}": allowed is ${allowed}`,
  );
}
