/**
 * A plugin on stock grpc-js: the contract loaded from its .proto files at start, no generated code.
 */
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { exampleHandler } from "./example-handler.js";
import { isTokenValid } from "./is-token-valid.js";
import type { Request, RequestBatch, ResponseBatchInit, ResponseInit } from "../messages.js";
import { serveMux } from "../mux/serve-mux.js";
import { repositoryRoot } from "../repository-root.js";

const services = grpc.loadPackageDefinition(
  loadSync(["servehttp/v1/plugin.proto", "grpc/health/v1/health.proto"], {
    includeDirs: [`${repositoryRoot}proto`, `${repositoryRoot}third_party/proto`],
    defaults: true,
    longs: String,
  }),
) as unknown as {
  servehttp: { v1: { PluginService: grpc.ServiceClientConstructor } };
  grpc: { health: { v1: { Health: grpc.ServiceClientConstructor } } };
};

const server = new grpc.Server({
  interceptors: [refuseStrangers],
  "grpc.max_receive_message_length": 1_048_576,
});
server.addService(services.servehttp.v1.PluginService.service, {
  Describe: (
    { request }: grpc.ServerUnaryCall<{ contractVersions: number[] }, object>,
    callback: grpc.sendUnaryData<object>,
  ) => {
    if (!request.contractVersions.includes(1)) {
      const details = "this plugin speaks version 1";
      callback({ code: grpc.status.FAILED_PRECONDITION, details });
      return;
    }
    callback(null, {
      contractVersion: 1,
      servesHttp: true,
      carriers: ["CARRIER_STREAM", "CARRIER_MUX"],
      software: "interop grpc-js",
    });
  },
  ServeHTTP: (call: grpc.ServerDuplexStream<Request, ResponseInit>) => {
    void writeAll(exampleHandler(messagesOf(call)), call);
  },
  ServeHTTPMux: (call: grpc.ServerDuplexStream<RequestBatch, ResponseBatchInit>) => {
    void writeAll(serveMux(messagesOf(call), exampleHandler), call);
  },
});
server.addService(services.grpc.health.v1.Health.service, {
  Check: (_call: unknown, callback: grpc.sendUnaryData<object>) => {
    callback(null, { status: "SERVING" });
  },
});

server.bindAsync(
  process.env["SERVEHTTP_ADDRESS"] ?? "127.0.0.1:0",
  grpc.ServerCredentials.createInsecure(),
  (error) => {
    if (error) {
      throw error;
    }
  },
);

function refuseStrangers(
  _method: grpc.ServerMethodDefinition<unknown, unknown>,
  call: grpc.ServerInterceptingCallInterface,
): grpc.ServerInterceptingCall {
  return new grpc.ServerInterceptingCall(call, {
    start: (next) => {
      next({
        onReceiveMetadata: (metadata, pass) => {
          if (isTokenValid(metadata.get("authorization")[0]?.toString())) {
            pass(metadata);
          } else {
            call.sendStatus({
              code: grpc.status.UNAUTHENTICATED,
              details: "the token is missing or wrong",
            });
          }
        },
      });
    },
  });
}

/** Not destroyed by a handler that stops reading: the call's other direction still has an answer to carry. */
function messagesOf<T>(call: grpc.ServerReadableStream<T, unknown>): AsyncIterableIterator<T> {
  return call.iterator({ destroyOnReturn: false });
}

async function writeAll<T>(
  messages: AsyncIterable<T>,
  call: grpc.ServerDuplexStream<unknown, T>,
): Promise<void> {
  const cancelled = new AbortController();
  call.once("cancelled", () => cancelled.abort());
  try {
    for await (const message of messages) {
      if (!call.write(message)) {
        await once(call, "drain", cancelled);
      }
    }
    call.end();
  } catch (error) {
    // `destroy` would end a call that has answered nothing yet without a status, and so never.
    call.emit("error", { code: grpc.status.INTERNAL, details: String(error) });
  }
}
