/**
 * A plugin on stock connect-node: the generated service, an HTTP/2 server, and nothing of servehttp's own.
 */
import { createServer } from "node:http2";
import { type ConnectRouter, Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  Carrier,
  Health,
  HealthCheckResponse_ServingStatus,
  PluginService,
} from "@servehttp/contract/services";
import { exampleHandler } from "./example-handler.js";
import { listenTarget } from "./listen-target.js";
import { isTokenValid } from "./is-token-valid.js";
import { serveMux } from "../mux/serve-mux.js";

const refuseStrangers: Interceptor = (next) => (request) => {
  if (!isTokenValid(request.header.get("authorization"))) {
    throw new ConnectError("the token is missing or wrong", Code.Unauthenticated);
  }
  return next(request);
};

const routes = (router: ConnectRouter): void => {
  router.service(PluginService, {
    describe: ({ contractVersions }) => {
      if (!contractVersions.includes(1)) {
        throw new ConnectError("this plugin speaks version 1", Code.FailedPrecondition);
      }
      return {
        contractVersion: 1,
        servesHttp: true,
        carriers: [Carrier.STREAM, Carrier.MUX],
        software: "interop connect-node",
      };
    },
    serveHTTP: (requests) => exampleHandler(requests),
    serveHTTPMux: (batches) => serveMux(batches, exampleHandler),
  });
  router.service(Health, {
    check: () => ({ status: HealthCheckResponse_ServingStatus.SERVING }),
  });
};

createServer(
  connectNodeAdapter({
    routes,
    interceptors: [refuseStrangers],
    // A body is compressed by who wrote it, or not at all.
    acceptCompression: [],
    readMaxBytes: 1_048_576,
  }),
).listen(listenTarget());
