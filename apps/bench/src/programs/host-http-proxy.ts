/** http-proxy with connections kept alive. Arguments: the unix socket of the plugin. */
import { Agent, createServer, ServerResponse } from "node:http";

import httpProxy from "http-proxy";

import { announce } from "./announce.js";

const proxy = httpProxy.createProxyServer({
  // http-proxy passes `socketPath` on to http.request, but its types don't know it.
  target: { host: "plugin", socketPath: process.argv[2] ?? "" } as httpProxy.ProxyTargetUrl,
  // Without an agent it opens a connection for each request.
  agent: new Agent({ keepAlive: true }),
});
proxy.on("error", (_error, _request, response) => {
  if (response instanceof ServerResponse && !response.headersSent) {
    response.writeHead(502).end();
  } else {
    response.destroy();
  }
});

const server = createServer((request, response) => proxy.web(request, response));
server.requestTimeout = 0;
announce(server, undefined);
