/**
 * A bridge on grpc-js as somebody would write it first: one bidi RPC for each request, all options
 * at their defaults. Arguments: the unix socket of the plugin.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { Client, credentials } from "@grpc/grpc-js";

import { announce } from "./announce.js";
import {
  deserializeResponse,
  type GrpcRequest,
  type GrpcResponseRead,
  serializeRequest,
  serveHTTPPath,
} from "./naive-grpc-js-service.js";
import { naiveRequestInit } from "./naive-request-init.js";

const client = new Client(`unix:${process.argv[2]}`, credentials.createInsecure());

function serve(request: IncomingMessage, response: ServerResponse): void {
  const call = client.makeBidiStreamRequest<GrpcRequest, GrpcResponseRead>(
    serveHTTPPath,
    serializeRequest,
    deserializeResponse,
  );
  call.write({ init: naiveRequestInit(request) });
  request.on("data", (chunk: Buffer<ArrayBuffer>) => {
    if (!call.write({ chunk })) {
      request.pause();
    }
  });
  request.on("end", () => {
    call.write({ end: {} });
    call.end();
  });
  call.on("drain", () => request.resume());
  call.on("data", (message: GrpcResponseRead) => {
    if (message.init !== undefined) {
      response.writeHead(
        message.init.status,
        message.init.headers.flatMap(({ name, values }) =>
          values.flatMap((value) => [name, Buffer.from(value).toString("latin1")]),
        ),
      );
    }
    if (message.chunk.byteLength > 0 && !response.write(message.chunk)) {
      call.pause();
    }
    if (message.end !== undefined) {
      response.end();
    }
  });
  response.on("drain", () => call.resume());
  response.once("close", () => {
    if (!response.writableFinished) {
      call.cancel();
    }
  });
  call.on("error", () => response.destroy());
}

const server = createServer(serve);
server.requestTimeout = 0;
announce(server, undefined);
