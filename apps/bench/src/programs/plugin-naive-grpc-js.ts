/** A bidi RPC for each exchange on grpc-js. Arguments: the path of a unix socket. */
import { once } from "node:events";

import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";

import { NaiveExchange, type NaiveSink } from "./naive-exchange.js";
import {
  type GrpcRequestRead,
  type GrpcResponse,
  naiveGrpcJsService,
} from "./naive-grpc-js-service.js";
import { serveBench } from "./serve-bench.js";

type Call = ServerDuplexStream<GrpcRequestRead, GrpcResponse>;

function serveHTTP(call: Call): void {
  NaiveExchange.open(call, sinkOf(call))
    .then(serveBench)
    .catch(() => call.destroy());
}

function sinkOf(call: Call): NaiveSink {
  return {
    send(message) {
      const closed = call.cancelled || call.destroyed;
      return call.write(message) || closed
        ? undefined
        : Promise.race([once(call, "drain"), once(call, "cancelled")]);
    },
    finish: () => call.end(),
    onClose: (listener) => call.once("cancelled", listener),
  };
}

const server = new Server();
server.addService(naiveGrpcJsService, { serveHTTP });
server.bindAsync(`unix:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) {
    throw error;
  }
  console.log("{}");
});
process.once("SIGTERM", () => process.exit(0));
