import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { WebSocketServer } from "ws";

// The plugin behind every host behind a proxy: `notes.js` imports it.

/** What became of a request that the client names, once it is known. */
const outcomes = new Map<string, PromiseWithResolvers<string>>();

function outcomeOf(id: string): PromiseWithResolvers<string> {
  const known = outcomes.get(id) ?? Promise.withResolvers<string>();
  outcomes.set(id, known);
  return known;
}

/** How long a client waits for an outcome. */
const outcomeMsMax = 15_000;

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", (socket) => {
  socket.on("message", (message, isBinary) => {
    socket.send(message as Buffer, { binary: isBinary });
  });
});

await servePlugin({
  serveHTTP,
  upgrade(request, socket, head) {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      sockets.emit("connection", webSocket, request);
    });
  },
});

async function serveHTTP(request: PluginRequest, response: ResponseWriter): Promise<void> {
  const [path = "", id = ""] = request.url.split("?");
  switch (path) {
    case "/client": {
      const { host, remoteAddress, scheme } = request;
      response.headers.set("content-type", "application/json");
      await response.end(
        JSON.stringify({ host, remoteAddress, scheme, fields: [...request.headers] }),
      );
      return;
    }
    case "/hash": {
      const hash = createHash("sha256");
      for await (const chunk of request.body) {
        hash.update(chunk);
      }
      await response.end(hash.digest("hex"));
      return;
    }
    case "/early":
      response.writeHead(413);
      await response.end("too large");
      return;
    case "/hinted":
      await response.informational(103, [["link", "</style.css>; rel=preload"]]);
      await response.end("hinted");
      return;
    case "/events":
      response.headers.set("content-type", "text/event-stream");
      await response.write("data: 1\n\n");
      await outcomeOf(id).promise;
      await response.end("data: 2\n\n");
      return;
    case "/go-on":
      outcomeOf(id).resolve("goes on");
      await response.end();
      return;
    case "/cut":
    case "/cut-length":
      if (path === "/cut-length") {
        response.headers.set("content-length", "1000000");
      }
      await response.write(Buffer.alloc(100_000, "x"));
      await response.flush();
      await outcomeOf(id).promise;
      throw new Error("what a response does that breaks off");
    case "/upload":
      try {
        let bytes = 0;
        for await (const chunk of request.body) {
          bytes += chunk.length;
          outcomeOf(`${id}-begun`).resolve("begun");
        }
        outcomeOf(id).resolve(`${bytes} bytes, whole`);
      } catch (error) {
        outcomeOf(id).resolve("broken");
        throw error;
      }
      await response.end();
      return;
    case "/quiet":
      await response.write("x");
      await response.flush();
      await once(request.signal, "abort");
      outcomeOf(id).resolve("told");
      return;
    case "/outcome":
      await response.end(
        await Promise.race([outcomeOf(id).promise, delay(outcomeMsMax, "not told")]),
      );
      return;
    default:
      response.writeHead(404);
      await response.end("no such note");
  }
}
