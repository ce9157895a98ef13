import { type ErrorCode, reasonBytesMax, ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "./header-fields.js";

/** The status codes of gRPC that matter here (gRPC, "Status codes and their use in gRPC"). */
export const grpcStatus = {
  ok: 0,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
  unimplemented: 12,
} as const;

/** The status by which a plugin ends an exchange that failed with this code. */
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

/** The message of the status of a failed RPC. Only our own words about a violation travel: never those of a handler. */
export function statusText(error: ServeHTTPError): string {
  return error.code === "protocol-violation" ? error.message : error.code;
}

/** The end of a failed RPC. */
export function statusFields(error: ServeHTTPError): HeaderFields {
  return {
    "grpc-status": String(statusOf(error.code)),
    "grpc-message": encodeMessage(statusText(error)),
  };
}

/** What a status means to a host whose response is not complete. */
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

/** Whether a response is one of gRPC's (gRPC over HTTP/2, "Responses"); what it is instead. */
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
 * What a violation of the part order means to a host: the plugin is there and at fault, where other violations leave nothing to
 * talk to.
 */
export function brokenOrder(violation: ServeHTTPError): ServeHTTPError {
  return new ServeHTTPError("broken-order", violation.message, { cause: violation });
}

/** `grpc-message` is percent-encoded UTF-8. */
function decodeMessage(message: string): string {
  try {
    return decodeURIComponent(message).slice(0, reasonBytesMax);
  } catch {
    // Not what the specification asks for; shown as it came.
    return message.slice(0, reasonBytesMax);
  }
}

/** The `grpc-message` of a text. */
export function encodeMessage(text: string): string {
  return encodeURIComponent(text.slice(0, reasonBytesMax / 4)).replaceAll("%20", " ");
}
