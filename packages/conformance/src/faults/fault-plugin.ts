import { setTimeout as delay } from "node:timers/promises";
import { type PluginRequest, type ResponseWriter, servePlugin } from "@servehttp/plugin-sdk";
import { WebSocketServer } from "ws";
import { serveBytes } from "./serve-bytes.js";

/**
 * The plugin of the fault runs.
 *
 *     GET  /bytes?seed=S&size=N  N random bytes that the seed fixes, without a Content-Length
 *     POST /hash                 the SHA-256 of the body, in hex
 *     POST /echo                 the body, chunk by chunk
 *     GET  /pid                  the id of this process
 *     GET  /events               "data: 1", "data: 2" and so on, ten a second, without an end
 *     GET  /throw                nothing: the handler throws, which is logged
 *     GET  /print                prints a line on both outputs
 *     a WebSocket anywhere       what comes goes back; a restart closes it with code 1012
 */
const eventEveryMs = 100;

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", (socket) => {
  socket.on("message", (message, isBinary) => {
    socket.send(message as Buffer, { binary: isBinary });
  });
});
process.once("SIGTERM", () => {
  for (const socket of sockets.clients) {
    socket.close(1012, "the plugin restarts");
  }
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
  if (await serveBytes(request, response)) {
    return;
  }
  switch (new URL(request.url, "http://plugin").pathname) {
    case "/pid":
      await response.write(String(process.pid));
      break;
    case "/events":
      await sendEvents(request, response);
      return;
    case "/throw":
      throw new Error("this handler was asked to throw");
    case "/print":
      console.log("a line on standard output");
      console.error("a line on standard error");
      await response.write("printed");
      break;
    default:
      response.writeHead(404);
  }
  await response.end();
}

async function sendEvents(request: PluginRequest, response: ResponseWriter): Promise<void> {
  response.headers.set("content-type", "text/event-stream");
  for (let next = 1; !request.signal.aborted; next += 1) {
    await response.write(`data: ${next}\n\n`);
    await delay(eventEveryMs, undefined, { signal: request.signal }).catch(() => undefined);
  }
}
