import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { testCertificates, until } from "@servehttp/testkit";
import { describe, expect, it, type MockInstance, vi } from "vitest";
import { Bridge } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

/** Sends the head of its response, and then nothing. */
const quiet: PluginHandler = {
  async serveHTTP(request, response) {
    await response.flush();
    await once(request.signal, "abort");
  },
};

/** Whether the system has set a keep-alive timer for the host's end of a connection. */
function isWatched(client: Socket): boolean {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const host = hex(client.remotePort ?? 0);
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n")) {
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when
    const [, local = "", remote = "", , , timer = ""] = line.trim().split(/\s+/);
    if (local.endsWith(`:${host}`) && remote.endsWith(`:${hex(client.localPort ?? 0)}`)) {
      return timer.startsWith("02:");
    }
  }
  throw new Error("no such connection");
}

describe.runIf(process.platform === "linux")("D3 a client that is gone without a word", () => {
  const request = (...fields: readonly string[]) => [
    "GET /plugins/notes/ HTTP/1.1",
    "Host: a",
    ...fields,
    "",
    "",
  ];

  it.each([
    ["the fast path", createServer, []],
    ["Node", createServer, ["TE: trailers"]],
    ["the fast path behind TLS", createHttpsServer, []],
    ["Node behind TLS", createHttpsServer, ["TE: trailers"]],
  ] as const)("is asked for on %s while its response is quiet", async (_name, create, fields) => {
    const secure = create === createHttpsServer;
    const server = secure ? createHttpsServer(testCertificates().plugin) : createServer();
    await using bridge = await Bridge.start(quiet, { server });
    using client = await RawClient.connect(bridge.port, secure);
    client.send(...request(...fields));
    await client.take("\r\n\r\n");
    // While an acknowledgement is due, the system shows another timer.
    await until(() => isWatched(client.socket), "a keep-alive timer");
    expect(isWatched(client.socket)).toBe(true);
  });

  it.each(["http", "https"] as const)("is asked for on HTTP/2 by %s", async (scheme) => {
    const server =
      scheme === "http" ? createHttp2Server() : createSecureServer(testCertificates().plugin);
    await using bridge = await Bridge.start(quiet, { server });
    await using session = await connectHttp2(bridge.port, scheme);
    const stream = new Http2Stream(session, { ":path": "/plugins/notes/" });
    await until(() => stream.status === 200, "the head");
    const { socket } = session;
    await until(() => isWatched(socket), "a keep-alive timer");
    expect(isWatched(socket)).toBe(true);
  });

  it("leaves it to a server that has keep-alive switched on itself", async () => {
    const calls: MockInstance[] = [];
    const server = createServer({ keepAlive: true, keepAliveInitialDelay: 5_000 });
    server.prependListener("connection", (socket) => {
      calls.push(vi.spyOn(socket, "setKeepAlive"));
    });
    await using bridge = await Bridge.start(quiet, { server });
    using client = await RawClient.connect(bridge.port);
    client.send(...request());
    await client.take("\r\n\r\n");
    expect(isWatched(client.socket)).toBe(true);
    expect(calls.map(({ mock }) => mock.calls)).toEqual([[]]);
  });
});
