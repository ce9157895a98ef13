/**
 * A bridge on stock connect-node as somebody would write it first: one bidi RPC for each request,
 * all options at their defaults. Arguments: the unix socket of the plugin.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { PluginService } from "@servehttp/contract/services";

import { announce } from "./announce.js";
import { naiveRequestInit } from "./naive-request-init.js";

const client = createClient(
  PluginService,
  createGrpcTransport({
    baseUrl: "http://plugin",
    nodeOptions: { createConnection: () => connect(process.argv[2] ?? "") },
  }),
);

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) {
      controller.abort();
    }
  });
  const answer = client.serveHTTP(messagesOf(request), { signal: controller.signal });
  for await (const message of answer) {
    if (message.init !== undefined) {
      response.writeHead(
        message.init.status,
        message.init.headers.flatMap(({ name, values }) =>
          values.flatMap((value) => [name, Buffer.from(value).toString("latin1")]),
        ),
      );
    }
    if (message.chunk.byteLength > 0 && !response.write(message.chunk)) {
      await once(response, "drain", { signal: controller.signal });
    }
    if (message.end !== undefined) {
      response.end();
    }
  }
}

async function* messagesOf(
  request: IncomingMessage,
): AsyncGenerator<MessageInitShape<typeof PluginService.method.serveHTTP.input>> {
  yield { init: naiveRequestInit(request) };
  for await (const chunk of request as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    yield { chunk };
  }
  yield { end: {} };
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});
server.requestTimeout = 0;
announce(server, undefined);
