import { createServer } from "node:http";
import { createRequestHandler } from "@react-router/express";
import { servePlugin } from "@servehttp/plugin-sdk";
import express from "express";

const app = express();
const server = createServer(app);

if (process.argv.includes("dev")) {
  // A server that never listens: Vite attaches its WebSocket to it.
  const { createServer: createViteServer } = await import("vite");
  const vite = await createViteServer({ server: { middlewareMode: true, ws: { server } } });
  app.use(vite.middlewares);
  const build = () => vite.ssrLoadModule("virtual:react-router/server-build");
  app.use(createRequestHandler({ build }));
} else {
  app.use("/plugins/site", express.static("build/client"));
  app.use(createRequestHandler({ build: await import("./build/server/index.js") }));
}

await servePlugin(server);
