import { type ClientHttp2Session, createServer as createHttp2Server } from "node:http2";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { expect, it } from "vitest";
import { fastPathOf } from "../fast-path/install.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

/** Answers with the connection's id, or "none". */
const handler: PluginHandler = {
  serveHTTP: ({ connectionId = "none" }, response) => response.end(`[${connectionId}]`),
};

/** Fields by which a request is left to Node's own reader, from the second one on. */
const forNode = ["TE: trailers"];

async function ask(client: RawClient, ...fields: readonly string[]): Promise<string> {
  client.send("GET /plugins/notes/ HTTP/1.1", "Host: h.test", ...fields, "", "");
  return /\[(.*)\]/.exec(await client.take("]"))?.[1] ?? "";
}

async function askHttp2(session: ClientHttp2Session): Promise<string> {
  const stream = new Http2Stream(session, { ":path": "/plugins/notes/", ":authority": "h.test" });
  await stream.closed();
  return stream.body;
}

it("is one for all requests of a connection, whoever reads them, and no other connection's", async () => {
  await using bridge = await Bridge.start(handler);
  using one = await RawClient.connect(bridge.port);
  using other = await RawClient.connect(bridge.port);
  const ids = [await ask(one), await ask(one), await ask(one), await ask(one, ...forNode)];
  ids.push(await ask(one));
  expect(fastPathOf(bridge.server)?.served).toBe(3);
  expect(ids[0]).toMatch(/^[\w-]{8,128}$/);
  expect(new Set(ids).size).toBe(1);
  expect(await ask(other)).not.toBe(ids[0]);
});

it.each([["mux"], ["stream"]] as const)("travels on carrier %s", async (carrier) => {
  await using bridge = await Bridge.start(handler, { plugin: { carrier } });
  using client = await RawClient.connect(bridge.port);
  expect(await ask(client)).toBe(await ask(client));
});

it("is one for the requests of an HTTP/2 connection", async () => {
  await using bridge = await Bridge.start(handler, { server: createHttp2Server() });
  await using one = await connectHttp2(bridge.port);
  await using other = await connectHttp2(bridge.port);
  const [first, second] = await Promise.all([askHttp2(one), askHttp2(one)]);
  expect(first).toMatch(/^\[[\w-]{8,128}\]$/);
  expect(second).toBe(first);
  expect(await askHttp2(other)).not.toBe(first);
});

it.each([
  ["the fast path", []],
  ["Node", forNode],
])("is not told of a trusted proxy, by which many clients come: %s", async (_reader, fields) => {
  const trusting: BridgeOptions = { host: { edge: { trustedProxies: ["127.0.0.1"] } } };
  await using bridge = await Bridge.start(handler, trusting);
  using proxy = await RawClient.connect(bridge.port);
  expect(await ask(proxy, "X-Forwarded-For: 203.0.113.7", ...fields)).toBe("none");
  expect(await ask(proxy, "X-Forwarded-For: 203.0.113.8", ...fields)).toBe("none");
});

it("gives a listener of Node's one socket for the requests of a client", async () => {
  const counts = new WeakMap<object, number>();
  const node: PluginHandler = {
    node({ socket }, response) {
      const count = (counts.get(socket) ?? 0) + 1;
      counts.set(socket, count);
      response.end(`[${count}]`);
    },
  };
  await using bridge = await Bridge.start(node);
  using one = await RawClient.connect(bridge.port);
  using other = await RawClient.connect(bridge.port);
  const answers = [await ask(one), await ask(one), await ask(one, ...forNode), await ask(other)];
  expect(answers).toEqual(["1", "2", "3", "1"]);
});
