import { createServer, type Server } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { describe, expect, it } from "vitest";
import { certificate, turns, until } from "@servehttp/testkit";
import type { NodeServer } from "../client/node-types.js";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

/** Takes over whatever is asked for `/raw`, and echoes there; answers the rest as HTTP. */
const plugin: PluginHandler = {
  async serveHTTP(request, response) {
    if (request.url !== "/raw") {
      await response.end(`<${request.url}>`);
      return;
    }
    const { socket } = await response.hijack();
    socket.on("error", ignore);
    socket.write("HTTP/1.1 200\n\nOK");
    socket.pipe(socket);
  },
};

function ignore(): void {
  // How a tunnel ended is looked at on the host's side.
}

const raw = ["GET /plugins/notes/raw HTTP/1.1", "Host: a", "", ""];
const pem = certificate();

async function start(server: NodeServer): Promise<{ bridge: Bridge; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return { bridge: await Bridge.start(plugin, { server }), sockets };
}

describe.each<[string, boolean, () => NodeServer]>([
  ["http", false, () => createServer()],
  ["https", true, () => createHttps(pem)],
  ["http2 that speaks HTTP/1 too", true, () => createSecureServer({ ...pem, allowHTTP1: true })],
])("takeOverSocket, on a server of %s,", (_kind, secure, makeServer) => {
  it("hands a plain request's connection over, byte for byte", async () => {
    const { bridge, sockets } = await start(makeServer());
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port, secure);
    // Requests before it leave nothing on the connection that matters.
    for (const path of ["a", "b"]) {
      client.send(`GET /plugins/notes/${path} HTTP/1.1`, "Host: a", "", "");
      await client.take(`</${path}>`);
    }
    client.send(...raw);
    expect(await client.take("OK")).toBe("HTTP/1.1 200\n\nOK");
    const bytes = Array.from({ length: 256 }, (_each, code) => String.fromCharCode(code)).join("");
    for (let round = 0; round < 50; round += 1) {
      client.socket.write(bytes, "latin1");
    }
    await until(() => client.received.length === 50 * bytes.length, "all of the echo");
    expect(client.received).toBe(bytes.repeat(50));
    client.socket.end();
    await until(() => client.ended, "the other way ends");
    await until(() => sockets.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 3 });
  });

  it("carries a large tunnel to a client that reads late", async () => {
    const { bridge } = await start(makeServer());
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port, secure);
    client.send(...raw);
    await client.take("OK");
    client.socket.pause();
    const sent = Buffer.alloc(4_000_000, "0123456789abcdef");
    client.socket.write(sent);
    await turns(20);
    client.socket.resume();
    await until(() => client.received.length === sent.length, "all of the echo");
    expect(client.received === sent.toString()).toBe(true);
  });
});

describe("takeOverSocket", () => {
  it("keeps the connection when the server closes, and when it closes what is idle", async () => {
    const server: Server = createServer();
    const { bridge, sockets } = await start(server);
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(...raw);
    await client.take("OK");
    server.closeIdleConnections();
    let closed = false;
    server.close(() => {
      closed = true;
    });
    server.closeIdleConnections();
    client.send("still there");
    await client.take("still there");
    expect([closed, sockets.size]).toEqual([false, 1]);
    client.socket.end();
    await until(() => closed, "the server is closed");
  });

  it("leaves nothing of a request that the client pipelined behind it", async () => {
    const { bridge, sockets } = await start(createServer());
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(
      raw.join("\r\n") + ["GET /plugins/notes/next HTTP/1.1", "Host: a", "", ""].join("\r\n"),
    );
    await client.take("OK");
    client.socket.end();
    await until(() => client.ended, "the tunnel ends");
    client.socket.destroy();
    await until(() => sockets.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(client.received).not.toContain("HTTP/1.1 200 OK");
  });

  it("ends the tunnel with its client, its plugin and its host", async () => {
    const { bridge, sockets } = await start(createServer());
    await using _ = bridge;
    const open = async (): Promise<RawClient> => {
      const client = await RawClient.connect(bridge.port);
      client.send(...raw);
      await client.take("OK");
      return client;
    };
    using left = await open();
    left.socket.resetAndDestroy();
    await until(() => bridge.inFlight === 0 && sockets.size === 0, "nothing is left");

    using orphaned = await open();
    const stopped = bridge.host.stop({ drainMs: 0 });
    await until(() => orphaned.ended, "the tunnel ends");
    await stopped;
    expect(bridge.inFlight).toBe(0);
  });
});
