/**
 * The bench's plugin on plain `node:http`: direct measures it alone, and the proxies stand in front
 * of it. Arguments: the path of a unix socket; without one, a loopback port.
 */
import { createServer } from "node:http";

import { announce } from "./announce.js";
import { NodeExchange } from "./node-exchange.js";
import { serveBench } from "./serve-bench.js";

const server = createServer((request, response) => {
  serveBench(new NodeExchange(request, response)).catch(() => response.destroy());
});
server.requestTimeout = 0;
// A proxy's connections stay open: this is not about how it copes with a plugin that closes them.
server.keepAliveTimeout = 0;
announce(server, process.argv[2]);
