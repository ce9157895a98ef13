/** @fastify/http-proxy on its undici client. Arguments: the unix socket of the plugin. */
import fastifyHttpProxy from "@fastify/http-proxy";
import { fastify } from "fastify";

import { announce } from "./announce.js";

const app = fastify({ requestTimeout: 0, forceCloseConnections: true });
await app.register(fastifyHttpProxy, {
  upstream: `unix+http://${encodeURIComponent(process.argv[2] ?? "")}/`,
  // Its default of 128 connections would hold 128 event streams.
  undici: { connections: null, headersTimeout: 0, bodyTimeout: 0 },
});
await app.ready();
announce(app.server, undefined);
