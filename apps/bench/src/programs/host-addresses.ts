/**
 * The bridge in front of plugins that somebody else runs. Arguments: their addresses. Begins to listen
 * when all of them are ready.
 */
import { createServer } from "node:http";

import { createPluginHost } from "@servehttp/host-bridge";

import { announce } from "./announce.js";

const [, , ...url] = process.argv;
const host = createPluginHost({ plugins: { bench: { url } }, logger: false });
const ready = Promise.withResolvers<void>();
host.onStateChange(({ instances }) => {
  if (instances.length === url.length && instances.every(({ state }) => state === "ready")) {
    ready.resolve();
  }
});
await host.start();
await ready.promise;
const server = createServer();
server.requestTimeout = 0;
server.keepAliveTimeout = 60_000;
host.attach(server);
announce(server, undefined);
