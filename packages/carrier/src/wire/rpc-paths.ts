/** The service of a plugin, as gRPC names it. */
export const pluginServiceName = "servehttp.v1.PluginService";

/** The `:path` of each RPC that carries exchanges (gRPC over HTTP/2, "Requests"). */
export const serveHTTPPath = `/${pluginServiceName}/ServeHTTP`;
export const serveHTTPMuxPath = `/${pluginServiceName}/ServeHTTPMux`;

/** The same for those that carry none. */
export const describePath = `/${pluginServiceName}/Describe`;
export const healthCheckPath = "/grpc.health.v1.Health/Check";
export const healthWatchPath = "/grpc.health.v1.Health/Watch";

/**
 * The header field by which a host says that a connection carries only this RPC, so that the plugin
 * needs a single HTTP/2 stream there. A plugin that ignores the field serves the RPC all the same.
 */
export const dedicatedField = "servehttp-connection";
export const dedicatedValue = "dedicated";

/** The header fields of a mux RPC that has a connection to itself. */
export function dedicatedMuxHeaders(
  authority: string,
  token: string | undefined,
): Record<string, string> {
  return {
    ...rpcHeaders(serveHTTPMuxPath, authority, token),
    [dedicatedField]: dedicatedValue,
  };
}

/** The header fields of an RPC that carries exchanges. */
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
