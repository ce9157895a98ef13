import { createServer } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";

if (process.argv.includes("dev")) {
  // A server that never listens: Vite attaches its WebSocket to it. Astro's own server listens as
  // well, for nobody.
  const server = createServer((request, response) => astro.handle(request, response));
  const { dev } = await import("astro");
  const astro = await dev({
    server: { host: "127.0.0.1", port: 0 },
    vite: { server: { ws: { server } } },
  });
  await servePlugin(server);
} else {
  const { default: express } = await import("express");
  const { handler } = await import("./dist/server/entry.mjs");
  const app = express();
  app.use("/plugins/site", express.static("dist/client"));
  app.use(handler);
  await servePlugin({ node: app });
}
