import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { PluginService } from "@servehttp/contract/services";

/** What a host on stock connect-node speaks. */
export type ConnectNodeProtocol = "gRPC" | "Connect" | "Connect with JSON";

/** A host on stock connect-node: the generated client of a plugin, which listens on a unix socket. */
export function connectNodeHost(
  socketPath: string,
  token: string,
  protocol: ConnectNodeProtocol = "gRPC",
): Client<typeof PluginService> {
  const showToken: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const options = {
    baseUrl: "http://plugin",
    nodeOptions: { path: socketPath },
    interceptors: [showToken],
    acceptCompression: [],
    readMaxBytes: 1_048_576,
  };
  return createClient(
    PluginService,
    protocol === "gRPC"
      ? createGrpcTransport(options)
      : createConnectTransport({
          ...options,
          httpVersion: "2",
          useBinaryFormat: protocol === "Connect",
        }),
  );
}
