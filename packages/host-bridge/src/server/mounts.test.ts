import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { fastPathOf } from "../fast-path/install.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

/** What a plugin sees of where it is. */
interface Seen {
  readonly url: string;
  readonly basePath: string;
  readonly originalUrl: string;
  readonly prefix: string | undefined;
}

/** How a request can come. */
const ways = ["fast path", "Node's parser", "HTTP/2", "upgrade", "extended CONNECT"] as const;
type Way = (typeof ways)[number];

/** Sends a request that comes by this way, and returns what the plugin sees. */
async function seenBy(
  way: Way,
  target: string,
  options: BridgeOptions = {},
  fields: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const seen: Seen[] = [];
  const handler: PluginHandler = {
    async serveHTTP({ url, basePath, originalUrl, headers }, response) {
      seen.push({ url, basePath, originalUrl, prefix: headers.get("x-forwarded-prefix") });
      await response.end();
    },
  };
  const isHttp2 = way === "HTTP/2" || way === "extended CONNECT";
  const server = isHttp2 ? createHttp2Server() : createServer();
  await using bridge = await Bridge.start(handler, {
    server,
    ...(way === "Node's parser" && {
      attach: false,
      wire: (one, host) => void host.attach(one, { fastPath: false }),
    }),
    ...options,
  });
  if (isHttp2) {
    await using session = await connectHttp2(bridge.port);
    const method = way === "HTTP/2" ? {} : { ":method": "CONNECT", ":protocol": "websocket" };
    const head = { ":scheme": "http", ":authority": "a", ":path": target, ...method, ...fields };
    const stream = new Http2Stream(session, head, way === "HTTP/2");
    await until(() => stream.response !== undefined, "an answer");
  } else {
    using client = await RawClient.connect(bridge.port);
    const upgrade = way === "upgrade" ? ["Connection: Upgrade", "Upgrade: websocket"] : [];
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    client.send(`GET ${target} HTTP/1.1`, "Host: a", ...upgrade, ...lines, "", "");
    await client.take("\r\n\r\n");
  }
  expect(fastPathOf(server)?.served ?? 0).toBe(way === "fast path" ? 1 : 0);
  expect(seen).toHaveLength(1);
  return seen[0] as Seen;
}

describe.each(ways)("where a plugin is (M1, M2), for a request by %s", (way) => {
  it("is in front of what it sees", async () => {
    expect(await seenBy(way, "/plugins/notes/a%2Fb?q")).toEqual({
      url: "/a%2Fb?q",
      basePath: "/plugins/notes",
      originalUrl: "/plugins/notes/a%2Fb?q",
      prefix: "/plugins/notes",
    });
    expect(await seenBy(way, "/plugins/notes?q")).toMatchObject({
      url: "/?q",
      originalUrl: "/plugins/notes?q",
    });
  });

  it("has the public path that the host was told of, and no stranger's", async () => {
    const options = { host: { publicPath: "/app" } };
    const basePath = "/app/plugins/notes";
    expect(
      await seenBy(way, "/plugins/notes/x", options, { "x-forwarded-prefix": "/evil" }),
    ).toEqual({ url: "/x", basePath, originalUrl: `${basePath}/x`, prefix: basePath });
  });

  it("has what a trusted proxy says, in place of that", async () => {
    const options = { host: { publicPath: "/app", edge: { trustedProxies: ["127.0.0.1"] } } };
    const fields = { "x-forwarded-prefix": "/real" };
    const basePath = "/real/plugins/notes";
    expect(await seenBy(way, "/plugins/notes/x", options, fields)).toEqual({
      url: "/x",
      basePath,
      originalUrl: `${basePath}/x`,
      prefix: basePath,
    });
    const whole = { ...options, plugin: { path: "full" } } as const;
    expect(await seenBy(way, "/plugins/notes/x", whole, fields)).toEqual({
      url: `${basePath}/x`,
      basePath,
      originalUrl: `${basePath}/x`,
      prefix: basePath,
    });
  });

  it.each(["/plugins/notes/a%2Fb?q", "/plugins/notes", "/plugins/notes/?", "/plugins/notes//x"])(
    "is part of %s for a plugin that wants the whole path",
    async (target) => {
      const whole = { plugin: { path: "full" } } as const;
      const basePath = "/plugins/notes";
      expect(await seenBy(way, target, whole)).toEqual({
        url: target,
        basePath,
        originalUrl: target,
        prefix: basePath,
      });
      const outside = { ...whole, host: { publicPath: "/app" } };
      expect((await seenBy(way, target, outside)).url).toBe(`/app${target}`);
    },
  );
});

describe("a request whose base path is too long", () => {
  it("is refused", async () => {
    const options = { edge: { trustedProxies: ["127.0.0.1"] } };
    await using bridge = await Bridge.start(
      { serveHTTP: () => expect.unreachable() },
      { host: options },
    );
    const headers = { "x-forwarded-prefix": `/${"a".repeat(1_010)}` };
    const response = await fetch(`http://127.0.0.1:${bridge.port}/plugins/notes/`, { headers });
    expect(response.status).toBe(400);
  });
});
