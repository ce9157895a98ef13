import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
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

describe.each([
  ["the fast path", true],
  ["Node's parser", false],
])("redirects by %s (M4)", (_name, fastPath) => {
  async function ask(target: string, options: BridgeOptions, ...fields: readonly string[]) {
    const handler: PluginHandler = {
      async serveHTTP({ url }, response) {
        response.headers.set("location", url.startsWith("/away") ? "//other/x" : "/in");
        response.writeHead(303);
        await response.end();
      },
    };
    await using bridge = await Bridge.start(handler, {
      attach: false,
      wire: (server, host) => void host.attach(server, { fastPath }),
      ...options,
    });
    using client = await RawClient.connect(bridge.port);
    client.send(`GET ${target} HTTP/1.1`, "Host: a", ...fields, "", "");
    const head = await client.take("\r\n\r\n");
    expect(fastPathOf(bridge.server)?.served ?? 0).toBe(fastPath ? 1 : 0);
    // The connection goes on.
    client.send("GET /plugins/notes/away HTTP/1.1", "Host: a", "", "");
    expect(await client.take("\r\n\r\n")).toContain("\r\nlocation: //other/x\r\n");
    return /^HTTP\/1\.1 (\d+).*^Location: (.*?)\r$/ims.exec(head)?.slice(1);
  }

  const trusting = { publicPath: "/app", edge: { trustedProxies: ["127.0.0.1"] } };
  const byProxy = ["X-Forwarded-Prefix: /real", "X-Forwarded-Proto: https"];

  it("lead into the plugin", async () => {
    const plugin = { rewriteRedirects: true };
    expect(await ask("/plugins/notes/x", { plugin })).toEqual(["303", "/plugins/notes/in"]);
    expect(await ask("/plugins/notes/x", {})).toEqual(["303", "/in"]);
    expect(await ask("/plugins/notes/x", { plugin, host: { publicPath: "/app" } })).toEqual([
      "303",
      "/app/plugins/notes/in",
    ]);
    expect(await ask("/plugins/notes/x", { plugin, host: trusting }, ...byProxy)).toEqual([
      "303",
      "/real/plugins/notes/in",
    ]);
  });

  it("add the slash that relative links need", async () => {
    const plugin = { redirectToSlash: true };
    expect(await ask("/plugins/notes?q=/", { plugin })).toEqual(["301", "/plugins/notes/?q=/"]);
    expect(await ask("/plugins/notes", { plugin, host: trusting }, ...byProxy)).toEqual([
      "301",
      "/real/plugins/notes/",
    ]);
    expect(await ask("/plugins/notes", {})).toEqual(["303", "/in"]);
  });
});

describe("host names (M3)", () => {
  it("of a plugin that is added later count at once, and none of one that was refused", async () => {
    const handler = (_request: unknown, response: { end(text: string): void }) =>
      response.end("added");
    await using bridge = await Bridge.start(
      { node: (_request, response) => response.end("notes") },
      {
        plugin: { hosts: ["notes.test"] },
      },
    );
    const ask = async (name: string) => {
      using client = await RawClient.connect(bridge.port);
      client.send("GET /x HTTP/1.1", `Host: ${name}`, "Connection: close", "", "");
      await client.hostEnded();
      return client.received.slice(client.received.indexOf("\r\n\r\n") + 4);
    };
    expect(await ask("notes.test")).toBe("notes");
    const taken = { handler, hosts: ["new.test", "NOTES.test"] };
    await expect(bridge.host.add("added", taken)).rejects.toThrow(
      'plugins.added.hosts: got "notes.test", allowed is a host name that no other plugin has; "notes" has it',
    );
    expect(bridge.host.plugins).toHaveLength(1);
    expect(await ask("new.test")).toBe("Not found.\n");
    await bridge.host.add("added", { handler, hosts: ["new.test"] });
    expect(await ask("new.test")).toBe("added");
    await bridge.host.remove("added");
    expect(await ask("new.test")).toBe("Not found.\n");
  });

  it.each([true, false])("of two plugins can't be the same, enabled: %s", (enabled) => {
    const plugins = {
      a: { url: "unix:/a", hosts: ["one.test"] },
      b: { url: "unix:/b", hosts: ["two.test", "One.test"] },
    };
    expect(() => createPluginHost({ plugins, enabled, logger: false })).toThrow(
      'plugins.b.hosts: got "one.test", allowed is a host name that no other plugin has; "a" has it',
    );
  });
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
