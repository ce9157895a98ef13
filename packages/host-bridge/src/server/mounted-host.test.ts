import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { HostRequest, NodeServer } from "../client/node-types.js";
import type { PluginHost } from "../create-plugin-host.js";
import { Bridge } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

/** Says where the plugin is, and what it sees of the path. */
const plugin: PluginHandler = {
  async serveHTTP(request, response) {
    const { url, basePath, requestUri } = request;
    const body = await request.text();
    await response.end(`[${basePath} ${url} ${requestUri} ${body}]`);
  },
};

/** What Connect's `app.use("/sub", host.listener)` does, and an application beside it. */
function mountAtSub(server: NodeServer, host: PluginHost, mountPath = "/sub"): void {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { url = "" } = request;
    const application = () => {
      const { originalUrl } = request as HostRequest;
      response.end(`[the application: ${request.url} ${originalUrl}]`);
    };
    if (url.startsWith("/sub/")) {
      Object.assign(request, { originalUrl: url, url: url.slice(4) });
      host.listener(request, response, application);
    } else {
      application();
    }
  };
  (server as ReturnType<typeof createServer>).on("request", listener);
  host.attach(server, { requests: false, mountPath });
}

function start(server: NodeServer, mountPath?: string): Promise<Bridge> {
  const wire = (of: NodeServer, host: PluginHost) => mountAtSub(of, host, mountPath);
  return Bridge.start(plugin, { server, wire, attach: false });
}

const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
const expecting = ["Expect: 100-continue", "Content-Length: 4"];

describe("M1 a host that an application has mounted below a path", () => {
  it.each([
    ["/sub/plugins/notes/a%2Fb?q", "[/sub/plugins/notes /a%2Fb?q /sub/plugins/notes/a%2Fb?q ]"],
    ["/sub/plugins/notes", "[/sub/plugins/notes / /sub/plugins/notes ]"],
    ["/plugins/notes/a", "[the application: /plugins/notes/a undefined]"],
    ["/subs/plugins/notes/a", "[the application: /subs/plugins/notes/a undefined]"],
    ["/SUB/plugins/notes/a", "[the application: /SUB/plugins/notes/a undefined]"],
    ["/sub", "[the application: /sub undefined]"],
    ["/sub/other?q", "[the application: /other?q /sub/other?q]"],
  ])("has the upgrades there, and those alone: %s", async (target, answer) => {
    await using bridge = await start(createServer());
    using client = await RawClient.connect(bridge.port);
    client.send(`GET ${target} HTTP/1.1`, "Host: a", ...upgrade, "", "");
    expect(await client.take("]")).toContain(answer);
  });

  it("tells an upgrade's path by a slash at the end of its own, too", async () => {
    await using bridge = await start(createServer(), "/sub/");
    using client = await RawClient.connect(bridge.port);
    client.send("GET /sub/plugins/notes/x HTTP/1.1", "Host: a", ...upgrade, "", "");
    expect(await client.take("]")).toContain("[/sub/plugins/notes /x /sub/plugins/notes/x ]");
  });

  it.each(["/sub/plugins", "/sub/plugins/"])(
    "may be mounted at its prefix: %s",
    async (mountPath) => {
      await using bridge = await start(createServer(), mountPath);
      using client = await RawClient.connect(bridge.port);
      client.send("GET /sub/plugins/notes/x HTTP/1.1", "Host: a", ...upgrade, "", "");
      expect(await client.take("]")).toContain("[/sub/plugins/notes /x /sub/plugins/notes/x ]");
    },
  );

  it("answers 100 when the plugin reads", async () => {
    await using bridge = await start(createServer());
    using client = await RawClient.connect(bridge.port);
    client.send("POST /sub/plugins/notes/x HTTP/1.1", "Host: a", ...expecting, "", "");
    await client.take("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    expect(await client.take("]")).toContain("[/sub/plugins/notes /x /sub/plugins/notes/x body]");
  });

  it("has the WebSockets of HTTP/2 there, and those alone", async () => {
    await using bridge = await start(createHttp2Server());
    await using session = await connectHttp2(bridge.port);
    const connect = (path: string) =>
      new Http2Stream(
        session,
        { ":method": "CONNECT", ":protocol": "websocket", ":path": path, ":scheme": "http" },
        false,
      );
    const inside = connect("/sub/plugins/notes/x");
    await until(() => inside.body !== "", "the answer");
    expect(inside.body).toBe("[/sub/plugins/notes /x /sub/plugins/notes/x ]");
    const outside = connect("/plugins/notes/x");
    await until(() => outside.response !== undefined, "the answer");
    expect(outside.status).toBe(404);
  });

  it.each([
    [{ requests: false, mountPath: "sub" }, 'attach.mountPath: got "sub", allowed is a path'],
    [{ requests: false, mountPath: "/" }, 'attach.mountPath: got "/", allowed is a path'],
    [{ requests: false, mountPath: "/a?b" }, 'attach.mountPath: got "/a?b", allowed is a path'],
    [{ mountPath: "/sub" }, "attach.mountPath: goes with requests: false alone"],
  ])("refuses %j", async (options, message) => {
    await using bridge = await Bridge.start(plugin);
    expect(() => bridge.host.attach(createServer(), options)).toThrow(message);
  });
});
