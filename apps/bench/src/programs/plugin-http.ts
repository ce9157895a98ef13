/**
 * The bench's plugin on plain `node:http`: what direct measures, and what the proxies stand in front of.
 * Arguments: the path of a unix socket; without one, a loopback port.
 */
import { createServer } from "node:http";

import { announce } from "./announce.js";
import { NodeExchange } from "./node-exchange.js";
import { serveBench } from "./serve-bench.js";

const server = createServer((request, response) => {
  serveBench(new NodeExchange(request, response)).catch(() => response.destroy());
});
server.requestTimeout = 0;
// Connections that a proxy keeps stay open: how it copes with a plugin that closes them is not measured here.
server.keepAliveTimeout = 0;
announce(server, process.argv[2]);
