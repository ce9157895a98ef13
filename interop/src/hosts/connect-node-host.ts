import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { PluginService } from "@servehttp/contract";

/** A host on stock connect-node: the generated client of a plugin, which listens on a unix socket. */
export function connectNodeHost(socketPath: string, token: string): Client<typeof PluginService> {
  const showToken: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createClient(
    PluginService,
    createGrpcTransport({
      baseUrl: "http://plugin",
      nodeOptions: { path: socketPath },
      interceptors: [showToken],
      acceptCompression: [],
      readMaxBytes: 1_048_576,
    }),
  );
}
