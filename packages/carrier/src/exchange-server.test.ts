import { once } from "node:events";
import { createServer } from "node:net";
import { plainEnd, ServeHTTPError } from "@servehttp/contract";
import { expect, test } from "vitest";
import { connectHttp2 } from "./connect-http2.js";
import { ExchangeServer } from "./exchange-server.js";
import { rpcHeaders, serveHTTPMuxPath, serveHTTPPath } from "./rpc-paths.js";
import { RawHostStream, requestMessageOf } from "./test-rig/raw-ends.js";
import { TemporarySocket } from "./test-rig/temporary-socket.js";
import { until } from "./test-rig/until.js";
import { okHead, openOn, plainInit, Wire } from "./test-rig/wire.js";

const token = "a-token-of-some-length";
const otherPath = "/grpc.health.v1.Health/Check";

test("O8: a stranger is refused on every path before any message is read, and holds no stream", async () => {
  const asked: string[] = [];
  await using wire = await Wire.open({
    token,
    rpc: (request, response) => {
      asked.push(request.url);
      response.end();
    },
  });
  const shown = [undefined, "", "x", token.slice(0, -1), `${token}x`, token.toUpperCase()];
  const refused = [serveHTTPPath, serveHTTPMuxPath, otherPath].flatMap((path) =>
    shown.map((wrong) => {
      // Its own way stays open: the refusal does not wait for it.
      const host = new RawHostStream(wire.session, path, wrong);
      host.stream.write(requestMessageOf({ init: plainInit, end: plainEnd }));
      return host;
    }),
  );
  await until(() => refused.every((host) => host.closed), "all streams closed");
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => "16"));
  expect([wire.plugin, asked]).toEqual([[], []]);
});

test("the token must come as a bearer token, and alone", async () => {
  await using wire = await Wire.open({ token });
  for (const authorization of [token, `bearer ${token}`, `Bearer  ${token}`, `Basic ${token}`]) {
    const headers = { ...rpcHeaders(serveHTTPPath, "http://localhost", undefined), authorization };
    const stream = wire.session.request(headers);
    const [response] = (await once(stream, "response")) as [Record<string, string>];
    expect([authorization, response["grpc-status"]]).toEqual([authorization, "16"]);
    stream.close();
  }
});

test("who shows the token is let in, on every path", async () => {
  const asked: string[] = [];
  await using wire = await Wire.open({
    token,
    rpc: (request, response) => {
      asked.push(request.url);
      response.end();
    },
  });
  wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, end: plainEnd });
  const exchange = new RawHostStream(wire.session, serveHTTPPath, token);
  exchange.stream.end(requestMessageOf({ init: plainInit, end: plainEnd }));
  await until(() => exchange.status === "0", "the exchange");
  const mux = new RawHostStream(wire.session, serveHTTPMuxPath, token);
  await until(() => mux.chunks.length > 0, "the hello");
  const other = new RawHostStream(wire.session, otherPath, token);
  other.stream.end();
  await until(() => other.closed, "the other RPC");
  expect(asked).toEqual([otherPath]);
});

test("without a token everybody may enter", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, end: plainEnd });
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit, end: plainEnd });
  await response.untilEnded();
  expect(wire.plugin).toHaveLength(1);
});

test("L5: draining lets what runs go on, takes nothing new, and ends with the last exchange", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit });
  const end = await wire.pluginEnd(0);
  const closing = once(wire.session, "goaway");
  let drained = false;
  const draining = wire.server.drain().then(() => {
    drained = true;
  });
  await closing;
  expect(() => wire.openStream()).toThrow(expect.objectContaining({ code: "connection-lost" }));
  const connecting = connectHttp2({ kind: "unix", path: wire.path }, AbortSignal.timeout(10_000));
  await expect(connecting).rejects.toMatchObject({ code: "connection-failed" });
  void channel.send({ end: plainEnd });
  await end.request.untilEnded();
  expect(drained).toBe(false);
  void end.channel.send({ init: okHead!, end: plainEnd });
  await response.untilEnded();
  await draining;
});

test("draining is over at once where nothing runs, and may be asked for again", async () => {
  await using wire = await Wire.open();
  await Promise.all([wire.server.drain(), wire.server.drain()]);
  await wire.server.drain();
  await until(() => wire.session.destroyed, "the host's end of the connection");
  expect(wire.plugin).toEqual([]);
});

test("destroy breaks what runs at both ends and lets drain come to its end", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit });
  const mux = await wire.openMux();
  const end = await wire.pluginEnd(0);
  const draining = wire.server.drain();
  wire.server.destroy();
  await draining;
  expect((await response.untilAborted()).code).toBe("connection-lost");
  await end.request.untilAborted();
  expect((await mux.lost).code).not.toBe("protocol-violation");
  expect([...response.faults, ...wire.faults]).toEqual([]);
});

test("an address that is taken is an error of listen, and nothing listens", async () => {
  await using socket = await TemporarySocket.make();
  const first = createServer();
  first.listen(socket.path);
  await once(first, "listening");
  const server = new ExchangeServer({
    accept: () => {
      throw new ServeHTTPError("internal", "nobody comes here");
    },
    rpc: () => undefined,
    token: undefined,
  });
  await expect(server.listen({ path: socket.path })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await server.drain();
  first.close();
  await once(first, "close");
});

test("a port of 0 becomes one that can be connected to", async () => {
  const server = new ExchangeServer({
    accept: () => ({ receive: () => undefined, abort: () => undefined }),
    rpc: (_request, response) => response.end(),
    token: undefined,
  });
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  const port = typeof address === "string" ? 0 : address.port;
  const session = await connectHttp2(
    { kind: "tcp", host: "127.0.0.1", port },
    AbortSignal.timeout(10_000),
  );
  session.destroy();
  await server.drain();
  expect(port).toBeGreaterThan(0);
});

test.each(["stream", "mux"] as const)(
  "L5: what is given up while draining hears why at both ends, and the connection closes by itself on %s",
  async (carrier) => {
    await using wire = await Wire.open();
    const mux = carrier === "mux" ? await wire.openMux() : undefined;
    const open = () => (mux === undefined ? wire.openStream() : openOn(mux));
    const silent = open();
    void silent.channel.send({ init: plainInit });
    const { request: silentRequest } = await wire.pluginEnd(0);
    const answering = open();
    void answering.channel.send({ init: plainInit, end: plainEnd });
    const { channel, request: answeringRequest } = await wire.pluginEnd(1);
    void channel.send({ init: okHead!, chunk: Buffer.from("abc") });
    await until(() => answering.response.parts.length > 0, "the head");
    const draining = wire.server.drain();
    wire.server.giveUp(new ServeHTTPError("plugin-closing", "the grace ran out"));
    for (const request of [silentRequest, answeringRequest]) {
      expect((await request.untilAborted()).code).toBe("plugin-closing");
    }
    for (const { response } of [silent, answering]) {
      expect((await response.untilAborted()).code).toBe("plugin-closing");
    }
    await draining;
    expect(wire.faults).toEqual([]);
  },
);
