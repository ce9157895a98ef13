import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { NodeHandler } from "@servehttp/plugin-sdk";
import { type WebSocket, WebSocketServer } from "ws";
import { Occasion } from "./occasion.js";

/** A stock server of WebSockets, without a server of Node's. */
export function wsApp(): NodeHandler {
  const left = new Occasion();
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols) => (protocols.has("chat") ? "chat" : false),
    verifyClient: ({ req }: { req: IncomingMessage }) => req.url !== "/refused",
  });
  sockets.on("connection", (socket: WebSocket, { url }: IncomingMessage) => {
    if (url === "/closes") {
      socket.close(4001, "enough");
    } else if (url === "/terminates") {
      socket.terminate();
    }
    socket.on("close", () => left.happens());
    socket.on("message", (message: Buffer, isBinary) => {
      if (url === "/hash") {
        socket.send(createHash("sha256").update(message).digest("hex"));
      } else {
        socket.send(message, { binary: isBinary });
      }
    });
  });
  return {
    async node(request, response) {
      if (request.url === "/left") {
        await left.next();
        response.end("left");
        return;
      }
      response.writeHead(426, { upgrade: "websocket" }).end();
    },
    upgrade(request, socket, head) {
      if (request.url === "/unauthorised") {
        socket.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
        socket.destroy();
        return;
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        sockets.emit("connection", webSocket, request);
      });
    },
  };
}
