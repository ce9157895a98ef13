import { ServeHTTPError } from "@servehttp/host-bridge";
import { isLabel, isPort, type ServiceOptions } from "./service-options.js";

/**
 * Reads `kubernetes:///service.namespace:port`, the way that gRPC writes what its own resolvers look
 * for. The namespace may be left out, or be followed by `svc` and the cluster's domain; the port may
 * be left out where the Service has one, and is a number or a name.
 *
 * @throws ServeHTTPError `invalid-argument` for anything else
 */
export function readServiceUrl(
  url: string,
): Pick<ServiceOptions, "service" | "namespace" | "port"> {
  const [, service, namespace, text] = pattern.exec(url) ?? [];
  const port = /^\d+$/.test(text ?? "") ? Number(text) : text;
  const isRight =
    isLabel(service) &&
    (namespace === undefined || isLabel(namespace)) &&
    (port === undefined || isPort(port));
  if (!isRight) {
    throw new ServeHTTPError(
      "invalid-argument",
      `${JSON.stringify(url)} names no Service: write kubernetes:///service.namespace:port, ` +
        "with the number that its pods listen at, or the name of a port",
    );
  }
  return { service, namespace, port };
}

const pattern =
  /^kubernetes:\/\/\/([^./:]+)(?:\.([^./:]+)(?:\.svc(?:\.[-.\w]+)?)?)?(?::([^/:]+))?$/;
