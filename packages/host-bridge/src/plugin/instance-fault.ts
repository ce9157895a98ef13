import type { ServeHTTPError } from "@servehttp/contract";
import type { InstanceFailure } from "../balance/outlier-record.js";

/**
 * What an exchange that failed says of its instance; undefined where it is not the instance's fault:
 * the client left or was slow, the host stops or refuses, the plugin closes in good order.
 *
 * @param awaitedPlugin whether the plugin had the whole request, or did not read it, and gave no head
 */
export function instanceFault(
  { code }: ServeHTTPError,
  awaitedPlugin: boolean,
): InstanceFailure | undefined {
  switch (code) {
    case "connection-failed":
    case "connection-lost":
      return "local-origin";
    case "deadline":
      return awaitedPlugin ? "local-origin" : undefined;
    case "protocol-violation":
    case "not-a-plugin":
    case "unauthenticated":
      return "gateway";
    case "handler-failed":
    case "broken-order":
    case "request-not-needed":
      return "5xx";
    default:
      return undefined;
  }
}
