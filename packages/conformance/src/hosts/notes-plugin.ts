import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";
import { WebSocketServer } from "ws";

// The plugin behind every host of the docs: `notes.js` imports it.

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", (socket) => {
  socket.on("message", (message, isBinary) => {
    socket.send(message as Buffer, { binary: isBinary });
  });
});
let goOn = Promise.withResolvers<void>();

await servePlugin({
  node,
  upgrade(request, socket, head) {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.emit("connection", webSocket, request);
    });
  },
});

async function node(request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case "GET /hello":
      response.setHeader("set-cookie", ["plugin=1", "second=2"]);
      response.end("hello");
      return;
    case "GET /text":
      response.setHeader("content-type", "text/plain");
      response.end("long text ".repeat(10_000));
      return;
    case "POST /hash": {
      const hash = createHash("sha256");
      for await (const chunk of request) {
        hash.update(chunk as Buffer);
      }
      response.end(hash.digest("hex"));
      return;
    }
    case "POST /echo":
      response.flushHeaders();
      for await (const chunk of request) {
        if (!response.write(chunk)) {
          await once(response, "drain");
        }
      }
      response.end();
      return;
    case "POST /early":
      response.writeHead(413).end("too large");
      return;
    case "GET /events": {
      goOn = Promise.withResolvers();
      response.setHeader("content-type", "text/event-stream");
      response.write("data: 1\n\n");
      await goOn.promise;
      response.end("data: 2\n\n");
      return;
    }
    case "POST /go-on":
      goOn.resolve();
      response.end();
      return;
    default:
      response.writeHead(404).end("no such note");
  }
}
