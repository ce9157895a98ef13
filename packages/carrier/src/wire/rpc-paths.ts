import { dedicatedField, dedicatedValue } from "../http2/detect-dedicated.js";

/** The `:path` of each RPC that carries exchanges (gRPC over HTTP/2, "Requests"). */
export const serveHTTPPath = "/servehttp.v1.PluginService/ServeHTTP";
export const serveHTTPMuxPath = "/servehttp.v1.PluginService/ServeHTTPMux";

/** Those of a mux RPC that has a connection to itself. */
export function dedicatedMuxHeaders(
  authority: string,
  token: string | undefined,
): Record<string, string> {
  return {
    ...rpcHeaders(serveHTTPMuxPath, authority, token),
    [dedicatedField]: dedicatedValue,
  };
}

/** The fields of such an RPC's request. */
export function rpcHeaders(
  path: string,
  authority: string,
  token: string | undefined,
): Record<string, string> {
  return {
    ":method": "POST",
    ":path": path,
    ":authority": authority.replace(/^https?:\/\//, ""),
    ":scheme": authority.startsWith("https:") ? "https" : "http",
    "content-type": "application/grpc+proto",
    te: "trailers",
    "user-agent": "servehttp-host-bridge",
    ...(token === undefined ? undefined : { authorization: `Bearer ${token}` }),
  };
}
