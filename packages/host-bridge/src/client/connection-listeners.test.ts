import { createServer } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { testCertificates, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { fastPathOf } from "../fast-path/install.js";
import { acceptProxyProtocol } from "../proxy-protocol/accept-proxy-protocol.js";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";
import type { NodeServer } from "./node-types.js";
import { watchConnections } from "./connection-listeners.js";

const plugin: PluginHandler = {
  serveHTTP: ({ remoteAddress }, response) => response.end(`[${remoteAddress}]`),
};

const get = ["GET /plugins/notes/ HTTP/1.1", "Host: a", "", ""];

function watch(server: NodeServer): Set<Socket> {
  const sockets = new Set<Socket>();
  watchConnections(server, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

it.each([
  ["http", false, () => createServer()],
  ["https", true, () => createHttps(testCertificates().plugin)],
])("watches connections, and leaves the fast path on: %s", async (_name, secure, create) => {
  const server = create();
  const before = watch(server);
  await using bridge = await Bridge.start(plugin, { server });
  const after = watch(server);
  using client = await RawClient.connect(bridge.port, secure);
  client.send(...get);
  await client.take("]");
  expect(fastPathOf(server)?.served).toBe(1);
  expect([before.size, after.size]).toEqual([1, 1]);
  client.socket.destroy();
  await until(() => before.size === 0 && after.size === 0, "both know that it is closed");
});

it("watches connections before their PROXY header, and leaves the fast path on", async () => {
  const server = createServer();
  const before = watch(server);
  acceptProxyProtocol(server, { from: ["127.0.0.1"], logger: false });
  await using bridge = await Bridge.start(plugin, { server });
  const after = watch(server);
  using client = await RawClient.connect(bridge.port);
  await until(() => before.size === 1 && after.size === 1, "both know of it");
  client.send("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443", ...get);
  expect(await client.take("]")).toContain("[203.0.113.7:4711]");
  expect(fastPathOf(server)?.served).toBe(1);
});

it("leaves everything to Node where another listener sees connections", async () => {
  const server = createServer();
  server.on("connection", () => undefined);
  await using bridge = await Bridge.start(plugin, { server });
  using client = await RawClient.connect(bridge.port);
  client.send(...get);
  await client.take("]");
  expect(fastPathOf(server)?.served).toBe(0);
});
