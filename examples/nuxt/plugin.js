import { createServer } from "node:http";
import { servePlugin } from "@servehttp/plugin-sdk";

if (process.argv.includes("dev")) {
  // A server that never listens, where `nuxt dev` has one that does: Vite attaches its WebSocket.
  const server = createServer();
  const { buildNuxt, loadNuxt } = await import("nuxt/kit");
  const { toNodeListener } = await import("h3");
  const nuxt = await loadNuxt({ cwd: import.meta.dirname, dev: true, ready: false });
  nuxt.hook("vite:extend", ({ config }) => {
    config.server.ws = { server };
  });
  await nuxt.ready();
  await nuxt.hooks.callHook("listen", server, {});
  await buildNuxt(nuxt);
  server.on("request", toNodeListener(nuxt.server.app));
  await servePlugin(server);
} else {
  const { listener } = await import("./.output/server/index.mjs");
  await servePlugin({ node: listener });
}
