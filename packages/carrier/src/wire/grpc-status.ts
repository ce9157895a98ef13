import { type ErrorCode, reasonBytesMax, ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "./header-fields.js";

/** The status codes of gRPC that are used here (gRPC, "Status codes and their use in gRPC"). */
export const grpcStatus = {
  ok: 0,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
  unimplemented: 12,
} as const;

/** The gRPC status with which a plugin ends an exchange that failed with this code. */
export function statusOf(code: ErrorCode): number {
  switch (code) {
    case "protocol-violation":
    case "broken-order":
      return grpcStatus.invalidArgument;
    case "plugin-closing":
    case "unavailable":
    case "overload":
      return grpcStatus.unavailable;
    case "unauthenticated":
      return grpcStatus.unauthenticated;
    case "deadline":
      return grpcStatus.deadlineExceeded;
    default:
      return grpcStatus.internal;
  }
}

/**
 * The status message of a failed RPC. Only our own words about a violation travel, never those of a
 * handler.
 */
export function statusText(error: ServeHTTPError): string {
  return error.code === "protocol-violation" ? error.message : error.code;
}

/** The trailers of a failed RPC. */
export function statusFields(error: ServeHTTPError): HeaderFields {
  return {
    "grpc-status": String(statusOf(error.code)),
    "grpc-message": encodeMessage(statusText(error)),
  };
}

/** What the status of an RPC means to a host that has no complete response. */
export function errorOfStatus(
  status: string | undefined,
  message: string | undefined,
): ServeHTTPError {
  const detail = message === undefined || message === "" ? "" : `: ${decodeMessage(message)}`;
  switch (Number(status)) {
    case grpcStatus.ok:
      return new ServeHTTPError("protocol-violation", "the plugin ended the RPC without `end`");
    case grpcStatus.unavailable:
      return new ServeHTTPError("plugin-closing", `the plugin is not available${detail}`);
    case grpcStatus.unauthenticated:
      return new ServeHTTPError("unauthenticated", `the plugin refused the token${detail}`);
    case grpcStatus.unimplemented:
      return new ServeHTTPError("not-a-plugin", `the server does not offer PluginService${detail}`);
    case grpcStatus.invalidArgument:
      return new ServeHTTPError("protocol-violation", `the plugin refused the exchange${detail}`);
    default:
      if (status === undefined) {
        return new ServeHTTPError(
          "protocol-violation",
          "the plugin ended the RPC without a status",
        );
      }
      return new ServeHTTPError("handler-failed", `gRPC status ${status}${detail}`);
  }
}

/**
 * What is wrong with the head of a response, if it is not gRPC's (gRPC over HTTP/2, "Responses").
 */
export function grpcProblem(fields: {
  readonly ":status"?: number | string | undefined;
  readonly "content-type"?: string | undefined;
}): ServeHTTPError | undefined {
  const status = fields[":status"];
  const contentType = fields["content-type"] ?? "";
  if (Number(status) === 200 && /^application\/grpc(?:$|[+;])/.test(contentType)) {
    return undefined;
  }
  return new ServeHTTPError(
    "not-a-plugin",
    `the server answered with status ${status} and content type ${JSON.stringify(contentType.slice(0, 100))}, not with gRPC`,
  );
}

/**
 * What a violation of the part order means to a host. The plugin is running and at fault; after
 * other violations the connection can't be used any more.
 */
export function brokenOrder(violation: ServeHTTPError): ServeHTTPError {
  return new ServeHTTPError("broken-order", violation.message, { cause: violation });
}

/** Decodes a `grpc-message`, which is percent-encoded UTF-8. */
function decodeMessage(message: string): string {
  try {
    return decodeURIComponent(message).slice(0, reasonBytesMax);
  } catch {
    // Against the specification. Shown as it came.
    return message.slice(0, reasonBytesMax);
  }
}

/** Encodes a text as a `grpc-message`. */
export function encodeMessage(text: string): string {
  const cut = text.slice(0, reasonBytesMax / 4).toWellFormed();
  return encodeURIComponent(cut).replaceAll("%20", " ");
}

/**
 * Why an exchange failed of which the plugin has got nothing: a lost connection is no more than a
 * plugin that is not there.
 */
export function neverReached(cause: ServeHTTPError): ServeHTTPError {
  return cause.code === "connection-lost" || cause.code === "plugin-closing"
    ? new ServeHTTPError("unavailable", cause.message, { cause })
    : cause;
}
