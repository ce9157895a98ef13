import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { plainEnd, ServeHTTPError } from "@servehttp/contract";
import { expect, test, vi } from "vitest";
import { certificate, FramePeer, TemporaryDirectory, turns, until } from "@servehttp/testkit";
import { connectHttp2, connectDedicated } from "./connect.js";
import { ExchangeServer } from "./exchange-server.js";
import { HostMux } from "./mux/host-mux.js";
import { HostTls } from "./tls/host-tls.js";
import { decodeFields, encodeFields } from "./http2/hpack.js";
import { frame, frameFlag, frameType, preface, settingsFrame } from "./http2/frames.js";
import {
  dedicatedMuxHeaders,
  describePath,
  healthCheckPath,
  rpcHeaders,
  serveHTTPMuxPath,
  serveHTTPPath,
} from "./wire/rpc-paths.js";
import {
  muxRequestOf,
  muxResponsesIn,
  RawHostStream,
  requestMessageOf,
} from "./test-rig/raw-ends.js";
import { okHead, openOn, plainInit, someServices, Wire } from "./test-rig/wire.js";

const token = "a-token-of-some-length";
const otherPath = "/another.Service/Call";

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
  const paths = [serveHTTPPath, serveHTTPMuxPath, describePath, healthCheckPath, otherPath];
  const refused = paths.flatMap((path) =>
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
  const late = wire.openStream();
  void late.channel.send({ init: plainInit, end: plainEnd });
  // A second connection can't be made.
  expect((await late.response.untilAborted()).code).toBe("unavailable");
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
  await using directory = await TemporaryDirectory.make();
  const first = createServer();
  first.listen(directory.socketPath);
  await once(first, "listening");
  const server = new ExchangeServer({
    accept: () => {
      throw new ServeHTTPError("internal", "nobody comes here");
    },
    services: someServices(),
    rpc: () => undefined,
    token: undefined,
  });
  await expect(server.listen({ path: directory.socketPath })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
  await server.drain();
  first.close();
  await once(first, "close");
});

test("a port of 0 becomes one that can be connected to", async () => {
  const server = new ExchangeServer({
    accept: () => ({ receive: () => undefined, abort: () => undefined }),
    services: someServices(),
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

test("a stock host's mux RPC is one of several on its connection, which is Node's", async () => {
  const asked: string[] = [];
  await using wire = await Wire.open({
    token,
    rpc: (request, response) => {
      asked.push(request.url);
      response.end();
    },
  });
  wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, end: plainEnd });
  const muxes = [1, 2].map(() => new RawHostStream(wire.session, serveHTTPMuxPath, token));
  for (const { stream } of muxes) {
    stream.write(muxRequestOf({ exchangeId: 1n, parts: { init: { method: "GET" }, end: {} } }));
  }
  const exchange = new RawHostStream(wire.session, serveHTTPPath, token);
  exchange.stream.end(requestMessageOf({ init: plainInit, end: plainEnd }));
  const other = new RawHostStream(wire.session, otherPath, token);
  other.stream.end();
  await until(() => exchange.status === "0" && other.closed, "the other RPCs");
  for (const { chunks } of muxes) {
    const ended = () =>
      muxResponsesIn(Buffer.concat(chunks)).some(({ frames }) =>
        frames.some(({ parts }) => parts?.end !== undefined),
      );
    await until(ended, "an answer on mux");
  }
  expect([asked, wire.plugin.length, wire.faults]).toEqual([[otherPath], 3, []]);
  for (const { stream } of muxes) {
    stream.end();
  }
  await until(() => muxes.every(({ status }) => status === "0"), "the status of mux");
});

test("an RPC with a connection to itself and without the token is refused, and the connection closed", async () => {
  await using wire = await Wire.open({ token });
  for (const shown of [undefined, "", `${token}x`]) {
    const mux = await wire.openMux(shown);
    expect((await mux.lost).code).toBe("unauthenticated");
    await using raw = await RawConnection.open(wire.path);
    raw.peer.socket.write(prefaceWith(dedicatedMuxHeaders("http://localhost", shown)));
    await until(() => raw.peer.ended, "the end");
    const sections = raw.peer.of(frameType.headers).map(({ payload }) => decodeFields(payload));
    expect(sections.map((fields) => fields["grpc-status"])).toEqual([undefined, "16"]);
    expect(raw.peer.frames.at(-1)!.flags & frameFlag.endStream).toBe(frameFlag.endStream);
  }
  expect(wire.plugin).toEqual([]);
  await wire.server.drain();
});

test("destroy closes a connection that was refused and lingers", async () => {
  using clock = new DisposableStack();
  clock.defer(() => vi.useRealTimers());
  // Its own time to linger never comes.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await using wire = await Wire.open({ token });
  await using raw = await RawConnection.open(wire.path, { allowHalfOpen: true });
  raw.peer.socket.write(prefaceWith(dedicatedMuxHeaders("http://localhost", "wrong")));
  await until(() => raw.peer.ended, "the end");
  const draining = wire.server.drain();
  wire.server.destroy();
  await expect(draining).resolves.toBeUndefined();
});

test("an opening that comes byte by byte is served, as Node serves it", async () => {
  await using wire = await Wire.open({ token });
  await using raw = await RawConnection.open(wire.path);
  wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, end: plainEnd });
  const message = muxRequestOf({ exchangeId: 1n, parts: { init: { method: "GET" }, end: {} } });
  const octets = Buffer.concat([
    prefaceWith(dedicatedMuxHeaders("http://localhost", token)),
    frame(frameType.data, 0, 1, message),
  ]);
  for (const octet of octets) {
    raw.peer.socket.write(Buffer.from([octet]));
    await turns(1);
  }
  const ended = () =>
    muxResponsesIn(raw.peer.data).some(({ frames }) =>
      frames.some(({ parts }) => parts?.end !== undefined),
    );
  await until(ended, "the answer");
  expect(wire.plugin).toHaveLength(1);
});

test("a connection that says nothing holds up no drain, and is closed by it", async () => {
  await using wire = await Wire.open();
  await using silent = await RawConnection.open(wire.path);
  // It was accepted before one that is answered.
  const { channel, response } = wire.openStream();
  wire.onAccept = (end) => void end.channel.send({ init: okHead!, end: plainEnd });
  void channel.send({ init: plainInit, end: plainEnd });
  await response.untilEnded();
  await wire.server.drain();
  await until(() => silent.peer.ended, "the end");
  expect(silent.peer.frames).toEqual([]);
});

test("a connection that leaves without a word is closed", async () => {
  await using wire = await Wire.open();
  await using leaving = await RawConnection.open(wire.path, { allowHalfOpen: true });
  leaving.peer.socket.end();
  await until(() => leaving.peer.ended, "the plugin's own end");
  expect(leaving.peer.frames).toEqual([]);
});

test.each(["http", "https"])(
  "what is written goes at once over TCP, at both ends and on both kinds of connection: %s",
  async (scheme) => {
    const pem = scheme === "https" ? certificate() : undefined;
    const server = new ExchangeServer({
      accept: () => ({ receive: () => undefined, abort: () => undefined }),
      services: someServices(),
      rpc: (_request, response) => response.end(),
      token: undefined,
      ...(pem === undefined ? undefined : { tls: pem }),
    });
    const delays = vi.spyOn(Socket.prototype, "setNoDelay");
    const bound = await server.listen({ host: "127.0.0.1", port: 0 });
    const port = typeof bound === "string" ? 0 : bound.port;
    const tls = pem === undefined ? undefined : { tls: new HostTls({ ca: pem.cert }) };
    const address = { kind: "tcp", host: "127.0.0.1", port, ...tls } as const;
    const signal = AbortSignal.timeout(10_000);
    const hurries = (isPlugin: boolean) =>
      delays.mock.contexts.some((one) => ((one as Socket).localPort === port) === isPlugin);
    const session = await connectHttp2(address, signal);
    await until(() => hurries(true) && hurries(false), "the connection of many RPCs");
    delays.mockClear();
    const fields = dedicatedMuxHeaders(`${scheme}://127.0.0.1:${port}`, undefined);
    const mux = new HostMux(await connectDedicated(address, fields, signal));
    await until(() => hurries(true), "the connection of one RPC");
    expect(hurries(false)).toBe(true);
    session.destroy();
    server.destroy();
    await Promise.all([server.drain(), mux.lost]);
    delays.mockRestore();
  },
);

test("a connection whose TLS is agreed on while the plugin drains is closed", async () => {
  const pem = certificate();
  const server = new ExchangeServer({
    accept: () => ({ receive: () => undefined, abort: () => undefined }),
    services: someServices(),
    rpc: (_request, response) => response.end(),
    token: undefined,
    tls: pem,
  });
  const bound = await server.listen({ host: "127.0.0.1", port: 0 });
  const port = typeof bound === "string" ? 0 : bound.port;
  const raw = connect({ host: "127.0.0.1", port });
  await once(raw, "connect");
  // The plugin has it once another one, that came later, was served.
  const signal = AbortSignal.timeout(10_000);
  const address = {
    kind: "tcp",
    host: "127.0.0.1",
    port,
    tls: new HostTls({ ca: pem.cert }),
  } as const;
  (await connectHttp2(address, signal)).destroy();
  const draining = server.drain();
  const secured = connectTls({ socket: raw, ca: pem.cert, ALPNProtocols: ["h2"] });
  secured.on("error", () => undefined);
  secured.resume();
  await draining;
  expect(secured.alpnProtocol).toBe("h2");
  secured.destroy();
});

/** A host's connection on which nothing was said yet. */
class RawConnection implements AsyncDisposable {
  readonly peer: FramePeer;

  private constructor(socket: Socket) {
    this.peer = new FramePeer(socket, "host");
  }

  static async open(path: string, { allowHalfOpen = false } = {}): Promise<RawConnection> {
    const socket = connect({ path, allowHalfOpen });
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { socket } = this.peer;
    if (!socket.destroyed) {
      socket.destroy();
      await once(socket, "close");
    }
  }
}

function prefaceWith(fields: Record<string, string>): Buffer {
  const headers = frame(frameType.headers, frameFlag.endHeaders, 1, encodeFields(fields));
  return Buffer.concat([preface, settingsFrame([]), headers]);
}
