import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { constants } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { ServeHTTPError } from "@servehttp/contract";
import { expect, test } from "vitest";
import { certificate, TemporaryDirectory, until } from "@servehttp/testkit";
import { authorityOf, connectHttp2, connectDedicated, describeAddress } from "./connect.js";
import { dedicatedMuxHeaders } from "./wire/rpc-paths.js";
import { HostTls } from "./tls/host-tls.js";
import { RawPlugin } from "./test-rig/raw-ends.js";

const noAbort = new AbortController().signal;

test("nobody listens: connection-failed, with the address in the message", async () => {
  await using directory = await TemporaryDirectory.make();
  await expect(
    connectHttp2({ kind: "unix", path: directory.socketPath }, noAbort),
  ).rejects.toMatchObject({
    code: "connection-failed",
    message: expect.stringContaining(`unix:${directory.socketPath}`) as string,
  });
});

test("an HTTP/1 server is no plugin", async () => {
  const server = createHttpServer((_request, response) => response.end());
  await using address = await listen(server);
  await expect(connectHttp2(address.tcp, noAbort)).rejects.toMatchObject({ code: "not-a-plugin" });
});

test("what closes the connection without a word, or talks nonsense, is no plugin", async () => {
  for (const answer of ["", "220 mail ready\r\n"]) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
      socket.end(answer);
    });
    await using address = await listen(server);
    const connecting = connectHttp2(address.tcp, noAbort);
    await expect(connecting).rejects.toMatchObject({ code: "not-a-plugin" });
  }
});

test("trap 14: a server that accepts and stays silent is given up when the signal says so, with its reason", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await using address = await listen(server);
  const controller = new AbortController();
  const connecting = connectHttp2(address.tcp, controller.signal);
  await until(() => sockets.length === 1, "a connection");
  controller.abort(new ServeHTTPError("deadline", "too slow"));
  await expect(connecting).rejects.toMatchObject({ code: "deadline", message: "too slow" });
  // Nothing of it stays open.
  const [socket] = sockets;
  socket!.resume();
  await until(() => socket!.readableEnded || socket!.destroyed, "the connection's end");
  socket!.destroy();
});

test("a signal that has aborted opens nothing", async () => {
  const reason = new ServeHTTPError("host-stopping", "stop");
  const address = { kind: "unix", path: "/nowhere" } as const;
  await expect(connectHttp2(address, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("a connection that fails later takes nothing with it that does not belong to it", async () => {
  await using plugin = await RawPlugin.serve(() => undefined);
  plugin.serverSessions[0]!.destroy(new Error("broken"), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  // Without a listener of ours, its error would be an uncaught one.
  await until(() => plugin.session.destroyed, "the connection's end");
  expect(plugin.session.listenerCount("error")).toBe(1);
});

test("an address is written as people write it", () => {
  expect(describeAddress({ kind: "unix", path: "/a/b" })).toBe("unix:/a/b");
  expect(describeAddress({ kind: "tcp", host: "::1", port: 5 })).toBe("http://[::1]:5");
  expect(authorityOf({ kind: "tcp", host: "a", port: 5, tls: new HostTls({}) })).toBe(
    "https://a:5",
  );
  expect(authorityOf({ kind: "unix", path: "/a" })).toBe("http://localhost");
});

test("a connection for one RPC: nobody listens, or nobody may be trusted, and the signal may have aborted", async () => {
  const fields = dedicatedMuxHeaders("http://localhost", undefined);
  await using directory = await TemporaryDirectory.make();
  const unix = { kind: "unix", path: directory.socketPath } as const;
  await expect(connectDedicated(unix, fields, noAbort)).rejects.toMatchObject({
    code: "connection-failed",
    message: expect.stringContaining(`unix:${directory.socketPath}`) as string,
  });
  await using address = await listen(createTlsServer(certificate()));
  const stranger = { ...address.tcp, tls: new HostTls({}) };
  await expect(connectDedicated(stranger, fields, noAbort)).rejects.toMatchObject({
    code: "connection-failed",
  });
  const reason = new ServeHTTPError("host-stopping", "stop");
  await expect(connectDedicated(unix, fields, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("a connection for one RPC whose TLS is never agreed on is given up when the signal says so", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await using address = await listen(server);
  const controller = new AbortController();
  const fields = dedicatedMuxHeaders("https://localhost", undefined);
  const connecting = connectDedicated(
    { ...address.tcp, tls: new HostTls({}) },
    fields,
    controller.signal,
  );
  await until(() => sockets.length === 1, "a connection");
  controller.abort(new ServeHTTPError("deadline", "too slow"));
  await expect(connecting).rejects.toMatchObject({ code: "deadline", message: "too slow" });
  const [socket] = sockets;
  socket!.on("error", () => undefined);
  socket!.resume();
  await until(() => socket!.readableEnded || socket!.destroyed, "the connection's end");
  socket!.destroy();
});

async function listen(
  server: Server,
): Promise<AsyncDisposable & { tcp: { kind: "tcp"; host: string; port: number } }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    tcp: { kind: "tcp", host: "127.0.0.1", port },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
