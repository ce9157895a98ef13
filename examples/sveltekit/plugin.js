import { createServer } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";

if (process.argv.includes("dev")) {
  // A server that never listens: Vite attaches its WebSocket to it.
  const server = createServer((request, response) => vite.middlewares(request, response));
  const { createServer: createViteServer } = await import("vite");
  const vite = await createViteServer({ server: { middlewareMode: true, ws: { server } } });
  await servePlugin(server);
} else {
  // adapter-node believes in https unless it is told which fields say what the client used.
  process.env.PROTOCOL_HEADER = "x-forwarded-proto";
  process.env.HOST_HEADER = "x-forwarded-host";
  const { handler } = await import("./build/handler.js");
  await servePlugin({ node: handler });
}
