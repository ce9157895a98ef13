import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { describe, expect, it } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

/** As Node before 24.9 does, which has no say in what becomes an upgrade. */
function withoutUpgradeCallback(server: Server): Server {
  const old = server as { shouldUpgradeCallback?: unknown };
  delete old.shouldUpgradeCallback;
  return server;
}

function restoreUpgradeCallback(server: Server): void {
  const old = server as { shouldUpgradeCallback?: unknown };
  old.shouldUpgradeCallback ??= () => server.listenerCount("upgrade") > 0;
}

function ignore(): void {
  // How a tunnel ended is looked at on the host's side.
}

/**
 * A plugin that tells what it was asked, and takes WebSockets over without a word of their
 * protocol.
 */
const plugin = {
  async serveHTTP(request: Request, response: Response) {
    const upgrade = request.headers.get("upgrade");
    if (upgrade === "websocket" && request.url !== "/refused") {
      const { socket, head } = await response.hijack();
      socket.on("error", ignore);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n<${head.toString()}>`);
      socket.pipe(socket);
      return;
    }
    response.writeHead(request.url === "/refused" ? 403 : 200);
    await response.end(`${request.method} ${request.url} ${upgrade} ${await request.text()}.`);
  },
};
type ServeHTTP = Extract<PluginHandler, { serveHTTP: unknown }>["serveHTTP"];
type Request = Parameters<ServeHTTP>[0];
type Response = Parameters<ServeHTTP>[1];

async function start(
  server: Server,
  options: BridgeOptions = {},
): Promise<{ bridge: Bridge; server: Server; sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const bridge = await Bridge.start(plugin, { server, ...options });
  restoreUpgradeCallback(server);
  return { bridge, server, sockets };
}

const upgradeOf = (path: string, protocol = "websocket", method = "GET") => [
  `${method} ${path} HTTP/1.1`,
  "Host: a",
  "Connection: Upgrade",
  `Upgrade: ${protocol}`,
];

describe.each([
  ["a Node that asks what may upgrade", (server: Server) => server],
  ["a Node that does not", withoutUpgradeCallback],
])("attach, on %s,", (_node, prepare) => {
  it("hands an upgrade over, with what came behind it", async () => {
    const { bridge, sockets } = await start(prepare(createServer()));
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(...upgradeOf("/plugins/notes/"), "", "early");
    await client.take("\r\n\r\n<early>");
    client.send("echo");
    await client.take("echo");
    client.socket.end();
    await until(() => client.ended, "the other way ends");
    await until(() => sockets.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 1 });
  });

  it("answers a refused upgrade, and keeps nothing open", async () => {
    const { bridge, sockets } = await start(prepare(createServer()));
    await using _ = bridge;
    for (const [path, status] of [
      ["/plugins/notes/refused", "403 Forbidden"],
      ["/plugins/none/", "404 Not Found"],
      ["/other", "404 Not Found"],
    ]) {
      using client = await RawClient.connect(bridge.port);
      client.send(...upgradeOf(path ?? ""), "", "");
      await client.take(`HTTP/1.1 ${status}\r\n`);
      await client.take("\r\n\r\n");
      client.socket.end();
      await until(() => sockets.size === 0, "no connection is left");
    }
    expect(bridge.inFlight).toBe(0);
  });

  it("takes an upgrade to another protocol for the ordinary request that it is too", async () => {
    const { bridge } = await start(
      prepare(createServer((_request, response) => void response.end("not ours."))),
    );
    await using _ = bridge;
    for (const [path, answer] of [
      ["/plugins/notes/x", "GET /x undefined ."],
      ["/other", "not ours."],
    ]) {
      using client = await RawClient.connect(bridge.port);
      client.send(
        ...upgradeOf(path ?? "", "h2c"),
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        "",
        "",
      );
      expect(await client.take(answer ?? "")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it("gives upgrades for other paths to listeners that were there before", async () => {
    const server = prepare(createServer());
    const seen: string[] = [];
    server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      seen.push(request.url ?? "");
      socket.end("HTTP/1.1 101 Theirs\r\n\r\n");
    });
    const { bridge } = await start(server);
    await using _ = bridge;
    using theirs = await RawClient.connect(bridge.port);
    theirs.send(...upgradeOf("/other"), "", "");
    await theirs.take("101 Theirs");
    using ours = await RawClient.connect(bridge.port);
    ours.send(...upgradeOf("/plugins/notes/"), "", "");
    await ours.take("101 Switching Protocols");
    expect(seen).toEqual(["/other"]);
  });

  it("gives upgrades for other paths to listeners that come later", async () => {
    const { bridge, server } = await start(prepare(createServer()));
    await using _ = bridge;
    server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      if (request.url === "/other") {
        socket.end("HTTP/1.1 101 Theirs\r\n\r\n");
      }
    });
    using theirs = await RawClient.connect(bridge.port);
    theirs.send(...upgradeOf("/other"), "", "");
    expect(await theirs.take("\r\n\r\n")).toBe("HTTP/1.1 101 Theirs\r\n\r\n");
    using ours = await RawClient.connect(bridge.port);
    ours.send(...upgradeOf("/plugins/notes/"), "", "");
    await ours.take("101 Switching Protocols");
  });
});

describe("attach", () => {
  it.each([
    ["a length", "Content-Length: 4", "body"],
    ["chunks", "Transfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n"],
  ])(
    "T4 serves an upgrade whose body has %s as an ordinary request",
    async (_what, field, body) => {
      const { bridge } = await start(createServer());
      await using _ = bridge;
      using client = await RawClient.connect(bridge.port);
      client.send(...upgradeOf("/plugins/notes/x", "websocket", "POST"), field, "", body);
      expect(await client.take("POST /x undefined body.")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      client.send("GET /plugins/notes/next HTTP/1.1", "Host: a", "", "");
      await client.take("GET /next undefined .");
    },
  );

  it("refuses an upgrade with a body on a Node that does not ask what may upgrade", async () => {
    const { bridge, sockets } = await start(withoutUpgradeCallback(createServer()));
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(
      ...upgradeOf("/plugins/notes/", "websocket", "POST"),
      "Content-Length: 4",
      "",
      "body",
    );
    await client.take("HTTP/1.1 400 Bad Request\r\n");
    await until(() => client.ended, "the host ends the connection");
    client.socket.end();
    await until(() => sockets.size === 0, "no connection is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ "bad-request": 1 });
  });

  it("keeps upgrades for a plugin's path from other listeners, whatever they offer", async () => {
    const server = createServer();
    const seen: string[] = [];
    server.on("upgrade", (request: IncomingMessage) => void seen.push(request.url ?? ""));
    const { bridge } = await start(server);
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(...upgradeOf("/plugins/notes/x", "chat"), "", "");
    await client.take("GET /x undefined .");
    expect(seen).toEqual([]);
  });

  it("keeps what the server said before about what may upgrade", async () => {
    const asked: string[] = [];
    const server = createServer({
      shouldUpgradeCallback: (request: IncomingMessage) => {
        asked.push(request.url ?? "");
        return request.url === "/theirs";
      },
    } as object);
    server.on("request", (_request, response: ServerResponse) => void response.end("plain."));
    server.on("upgrade", (_request, socket: Socket) => socket.end("HTTP/1.1 101 Theirs\r\n\r\n"));
    const { bridge } = await start(server);
    await using _ = bridge;
    using theirs = await RawClient.connect(bridge.port);
    theirs.send(...upgradeOf("/theirs"), "", "");
    await theirs.take("101 Theirs");
    using plain = await RawClient.connect(bridge.port);
    plain.send(...upgradeOf("/plain"), "", "");
    await plain.take("plain.");
    expect(asked).toEqual(["/theirs", "/plain"]);
  });

  it("refuses upgrades beyond the plugin's limit of tunnels, and takes them again", async () => {
    const { bridge } = await start(createServer(), { host: { limits: { maxTunnels: 1 } } });
    await using _ = bridge;
    using first = await RawClient.connect(bridge.port);
    first.send(...upgradeOf("/plugins/notes/"), "", "");
    await first.take("101 Switching Protocols");
    expect(bridge.host.plugins[0]?.tunnels).toBe(1);
    using second = await RawClient.connect(bridge.port);
    second.send(...upgradeOf("/plugins/notes/"), "", "");
    expect(await second.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
    first.socket.destroy();
    await until(() => bridge.host.plugins[0]?.tunnels === 0, "the first tunnel is over");
    using third = await RawClient.connect(bridge.port);
    third.send(...upgradeOf("/plugins/notes/"), "", "");
    await third.take("101 Switching Protocols");
  });

  it("ends the exchange of an upgrade whose client leaves before the answer", async () => {
    const signals: AbortSignal[] = [];
    await using bridge = await Bridge.start({
      async serveHTTP(request) {
        signals.push(request.signal);
        await new Promise(() => undefined);
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send(...upgradeOf("/plugins/notes/"), "", "");
    await until(() => signals.length === 1, "the handler runs");
    client.socket.resetAndDestroy();
    await until(() => signals[0]?.aborted === true, "the handler hears of it");
    await turns(1);
    expect(bridge.inFlight).toBe(0);
  });
});
