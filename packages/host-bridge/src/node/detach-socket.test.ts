import { createServer, type Server } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { describe, expect, it } from "vitest";
import type { NodeServer } from "../server/attach.js";
import { Bridge } from "../test-rig/bridge.js";
import { certificate } from "../test-rig/certificate.js";
import { RawCaller } from "../test-rig/raw-caller.js";
import { turns, until } from "../test-rig/until.js";

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
  it("hands a plain request's connection over, octet for octet", async () => {
    const { bridge, sockets } = await start(makeServer());
    await using _ = bridge;
    using caller = await RawCaller.connect(bridge.port, secure);
    // Requests before it leave nothing on the connection that matters.
    for (const path of ["a", "b"]) {
      caller.send(`GET /plugins/notes/${path} HTTP/1.1`, "Host: a", "", "");
      await caller.take(`</${path}>`);
    }
    caller.send(...raw);
    expect(await caller.take("OK")).toBe("HTTP/1.1 200\n\nOK");
    const octets = Array.from({ length: 256 }, (_each, code) => String.fromCharCode(code)).join("");
    for (let round = 0; round < 50; round += 1) {
      caller.socket.write(octets, "latin1");
    }
    await until(() => caller.received.length === 50 * octets.length, "all of the echo");
    expect(caller.received).toBe(octets.repeat(50));
    caller.socket.end();
    await until(() => caller.ended, "the other way ends");
    await until(() => sockets.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 3 });
  });

  it("carries a large tunnel to a caller that reads late", async () => {
    const { bridge } = await start(makeServer());
    await using _ = bridge;
    using caller = await RawCaller.connect(bridge.port, secure);
    caller.send(...raw);
    await caller.take("OK");
    caller.socket.pause();
    const sent = Buffer.alloc(4_000_000, "0123456789abcdef");
    caller.socket.write(sent);
    await turns(20);
    caller.socket.resume();
    await until(() => caller.received.length === sent.length, "all of the echo");
    expect(caller.received === sent.toString()).toBe(true);
  });
});

describe("takeOverSocket", () => {
  it("keeps the connection when the server closes, and when it closes what is idle", async () => {
    const server: Server = createServer();
    const { bridge, sockets } = await start(server);
    await using _ = bridge;
    using caller = await RawCaller.connect(bridge.port);
    caller.send(...raw);
    await caller.take("OK");
    server.closeIdleConnections();
    let closed = false;
    server.close(() => {
      closed = true;
    });
    server.closeIdleConnections();
    caller.send("still there");
    await caller.take("still there");
    expect([closed, sockets.size]).toEqual([false, 1]);
    caller.socket.end();
    await until(() => closed, "the server is closed");
  });

  it("leaves nothing of a request that the caller pipelined behind it", async () => {
    const { bridge, sockets } = await start(createServer());
    await using _ = bridge;
    using caller = await RawCaller.connect(bridge.port);
    caller.send(
      raw.join("\r\n") + ["GET /plugins/notes/next HTTP/1.1", "Host: a", "", ""].join("\r\n"),
    );
    await caller.take("OK");
    caller.socket.end();
    await until(() => caller.ended, "the tunnel ends");
    caller.socket.destroy();
    await until(() => sockets.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(caller.received).not.toContain("HTTP/1.1 200 OK");
  });

  it("ends the tunnel with its caller, its plugin and its host", async () => {
    const { bridge, sockets } = await start(createServer());
    await using _ = bridge;
    const open = async (): Promise<RawCaller> => {
      const caller = await RawCaller.connect(bridge.port);
      caller.send(...raw);
      await caller.take("OK");
      return caller;
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
