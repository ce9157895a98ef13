import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectedSockets, FramePeer, turns, until } from "@servehttp/testkit";
import type { HeaderFields } from "../wire/header-fields.js";
import { encodeFields } from "./hpack.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  goawayFrame,
  preface,
  rstStreamFrame,
  settingId,
  settingsFrame,
  windowUpdateFrame,
} from "./frames.js";
import { DedicatedConnection } from "./dedicated-connection.js";
import { dedicatedMuxHeaders } from "../wire/rpc-paths.js";
import { rpcWindowBytes } from "./flow-window.js";
import { RpcRecorder } from "../test-rig/rpc-recorder.js";

const requestFields = dedicatedMuxHeaders("http://localhost", "a-token");
const responseFields: HeaderFields = { ":status": "200", "content-type": "application/grpc+proto" };
const okStatus: HeaderFields = { "grpc-status": "0" };
const { endHeaders, endStream } = frameFlag;
const ends = ["host", "plugin"] as const;
const nothing = Buffer.alloc(0);

/** How long a connection lingers, by the clock of the tests. */
const lingerMs = 1_000;

// The linger of a connection is the only timer: its time comes when a test says so, and none may be
// left.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  const left = vi.getTimerCount();
  vi.useRealTimers();
  if (left > 0) {
    throw new Error(`${left} timers are left behind`);
  }
});

describe("with node:http2 at the other end", () => {
  test.each(["unix", "tcp", "tls"] as const)(
    "a host's carries 48 MiB both ways at once and the trailers behind them, over %s",
    async (transport) => {
      await using sockets = await ConnectedSockets.open(transport);
      const server = createServer();
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.pipe(stream);
      });
      serveOn(server, sockets);
      const recorder = new RpcRecorder();
      const rpc = DedicatedConnection.open(sockets.host, requestFields);
      rpc.listen(recorder);
      const sent = await writeMessages(rpc, 48);
      rpc.end();
      await until(() => recorder.closings.length > 0, "the end");
      expect(recorder).toMatchObject({
        ends: [okStatus],
        closings: [undefined],
        faults: [],
        bytes: 48 * 1_048_576,
      });
      expect(recorder.heads[0]![":status"]).toBe("200");
      expect(recorder.hash).toBe(sent);
      await closedAll(sockets);
    },
  );

  test.each(["unix", "tcp", "tls"] as const)(
    "a plugin's carries 48 MiB both ways at once and the trailers behind them, over %s",
    async (transport) => {
      await using sockets = await ConnectedSockets.open(transport);
      const rpc = DedicatedConnection.accept(sockets.plugin, responseFields);
      const recorder = new RpcRecorder();
      rpc.listen(recorder);
      echoAll(rpc, recorder);
      const session = connect("http://localhost", { createConnection: () => sockets.host });
      const stream = session.request(requestFields);
      const trailers = once(stream, "trailers");
      const echoed = createHash("sha256");
      stream.on("data", (octets: Buffer) => echoed.update(octets));
      const sent = createHash("sha256");
      for (let round = 0; round < 48; round += 1) {
        const octets = randomBytes(1_048_576);
        sent.update(octets);
        if (!stream.write(octets)) {
          await once(stream, "drain");
        }
      }
      stream.end();
      const [fields] = (await trailers) as [HeaderFields];
      await once(stream, "close");
      expect(fields["grpc-status"]).toBe("0");
      expect(echoed.digest("hex")).toBe(sent.digest("hex"));
      expect(recorder).toMatchObject({ ends: [{}], closings: [undefined], faults: [] });
      session.close();
      await closedAll(sockets);
    },
  );

  test.each(ends)("windows of one byte, and frames of 16 KiB, stall no %s", async (end) => {
    await using sockets = await ConnectedSockets.open();
    const tiny = { initialWindowSize: 1, maxFrameSize: 16_384 };
    const recorder = new RpcRecorder();
    const received = createHash("sha256");
    let sent: string;
    if (end === "host") {
      const server = createServer({ settings: tiny });
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.respond({ ":status": 200 });
        stream.on("data", (octets: Buffer) => received.update(octets));
        stream.on("end", () => stream.end());
      });
      serveOn(server, sockets);
      const rpc = DedicatedConnection.open(sockets.host, requestFields);
      rpc.listen(recorder);
      sent = await writeMessages(rpc, 1, 3_000);
      rpc.end();
      await until(() => recorder.closings.length > 0, "the end");
    } else {
      const rpc = DedicatedConnection.accept(sockets.plugin, responseFields);
      rpc.listen(recorder);
      const session = connect("http://localhost", {
        createConnection: () => sockets.host,
        settings: tiny,
      });
      const stream = session.request(requestFields);
      stream.on("data", (octets: Buffer) => received.update(octets));
      sent = await writeMessages(rpc, 1, 3_000);
      rpc.end(okStatus);
      await once(stream, "end");
      session.destroy();
    }
    expect(received.digest("hex")).toBe(sent);
    expect(recorder).toMatchObject({ closings: [undefined], faults: [] });
    await closedAll(sockets);
  });

  test("a host hears of a plugin that is going, and the RPC goes on", async () => {
    await using sockets = await ConnectedSockets.open();
    const server = createServer();
    const streams: ServerHttp2Stream[] = [];
    server.on("stream", (stream: ServerHttp2Stream) => {
      streams.push(stream);
      stream.respond({ ":status": 200 });
    });
    serveOn(server, sockets);
    const rpc = DedicatedConnection.open(sockets.host, requestFields);
    const recorder = new RpcRecorder();
    rpc.listen(recorder);
    await until(() => recorder.heads.length > 0, "the head");
    streams[0]!.session!.close();
    await until(() => recorder.goaways > 0, "the GOAWAY");
    streams[0]!.end("still here");
    await until(() => recorder.ends.length > 0, "the end");
    expect(recorder.bytes).toBe(10);
  });

  test.each([0, 1, 2, 7, 8, 11, 13])(
    "a host hears that its RPC was reset with code %i",
    async (code) => {
      await using sockets = await ConnectedSockets.open();
      const server = createServer();
      server.on("stream", (stream: ServerHttp2Stream) => {
        stream.on("error", () => undefined);
        stream.respond({ ":status": 200 });
        stream.write("half of it", () => stream.close(code));
      });
      serveOn(server, sockets);
      const rpc = DedicatedConnection.open(sockets.host, requestFields);
      const recorder = new RpcRecorder();
      rpc.listen(recorder);
      await until(() => recorder.closings.length > 0, "the end");
      // Node says END_STREAM before it resets with NO_ERROR or CANCEL: that is no status either.
      const error = recorder.closings[0];
      expect(recorder.closings).toHaveLength(1);
      expect(recorder.ends.length === 1 || error?.code === "connection-lost").toBe(true);
      await closedAll(sockets);
    },
  );

  test("cancel gives both ways up at the other end", async () => {
    await using sockets = await ConnectedSockets.open();
    const rpc = DedicatedConnection.accept(sockets.plugin, responseFields);
    const recorder = new RpcRecorder();
    rpc.listen(recorder);
    const session = connect("http://localhost", { createConnection: () => sockets.host });
    const stream: ClientHttp2Stream = session.request(requestFields);
    let endedAt = "never";
    stream.on("end", () => {
      endedAt = "before it was closed";
    });
    stream.on("error", () => undefined);
    await once(stream, "response");
    rpc.cancel();
    rpc.cancel();
    await once(stream, "close");
    expect([stream.rstCode, endedAt]).toEqual([errorCode.cancel, "never"]);
    expect(recorder.closings).toEqual([undefined]);
    session.destroy();
    await closedAll(sockets);
  });
});

describe("what the other side may do", () => {
  test("a preface, settings and a request in single bytes", async () => {
    await using pair = await Pair.open("plugin", { silent: true });
    const octets = Buffer.concat([
      preface,
      settingsFrame([[settingId.maxFrameSize, 20_000]]),
      frame(frameType.headers, endHeaders, 1, encodeFields(requestFields)),
      frame(frameType.data, endStream, 1, Buffer.from("hello")),
    ]);
    for (const octet of octets) {
      pair.peer.socket.write(Buffer.from([octet]));
      await turns(1);
    }
    await until(() => pair.recorder.ends.length > 0, "the end");
    expect(pair.recorder).toMatchObject({ bytes: 5, faults: [] });
  });

  test("header sections in pieces, padded, with a priority, behind informational ones", async () => {
    await using pair = await Pair.open("host");
    const { peer, recorder } = pair;
    const hint = encodeFields({ ":status": "103", link: "</a>" });
    peer.send(frameType.headers, endHeaders, 1, hint);
    peer.send(frameType.headers, endHeaders, 1, hint);
    const block = encodeFields(responseFields);
    const flags = frameFlag.padded | frameFlag.priority;
    const first = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block.subarray(0, 1), nul(3)]);
    peer.send(frameType.headers, flags, 1, first);
    for (const octet of block.subarray(1)) {
      peer.send(frameType.continuation, 0, 1, Buffer.from([octet]));
    }
    peer.send(frameType.continuation, endHeaders, 1);
    await until(() => recorder.heads.length > 0, "the head");
    expect(recorder.heads.map((head) => ({ ...head }))).toEqual([responseFields]);
    peer.send(frameType.data, frameFlag.padded, 1, Buffer.concat([Buffer.from([2, 65]), nul(2)]));
    peer.send(frameType.data, frameFlag.padded, 1, Buffer.from([0]));
    peer.send(frameType.data, 0, 1);
    peer.send(frameType.headers, endStream, 1, encodeFields(okStatus));
    peer.send(frameType.continuation, endHeaders, 1);
    await until(() => recorder.closings.length > 0, "the end");
    expect(recorder).toMatchObject({ bytes: 1, closings: [undefined], faults: [] });
    expect({ ...recorder.ends[0] }).toEqual(okStatus);
  });

  test("an answer of trailers only is both head and end", async () => {
    await using pair = await Pair.open("host");
    const fields = { ...responseFields, "grpc-status": "16" };
    pair.peer.send(frameType.headers, endHeaders | endStream, 1, encodeFields(fields));
    await until(() => pair.recorder.closings.length > 0, "the end");
    expect([...pair.recorder.heads, ...pair.recorder.ends].map((one) => ({ ...one }))).toEqual([
      fields,
      fields,
    ]);
  });

  test("frames of no meaning here: PRIORITY, extensions, acknowledgements, late WINDOW_UPDATEs", async () => {
    await using pair = await Pair.greeted("plugin");
    const { peer, recorder } = pair;
    peer.send(0x2, 0, 1, nul(5));
    peer.send(0x2, 0, 9, nul(5));
    peer.send(0x77, 0xff, 0, nul(100));
    peer.send(0x10, 0, 0, nul(0));
    peer.send(frameType.settings, frameFlag.ack, 0);
    peer.send(frameType.ping, frameFlag.ack, 0, nul(8));
    peer.socket.write(windowUpdateFrame(3, 5));
    peer.socket.write(goawayFrame(0, 0));
    peer.socket.write(settingsFrame([[0x99, 7]]));
    peer.send(frameType.data, endStream, 1, Buffer.from("a"));
    await until(() => recorder.ends.length > 0, "the end");
    expect(recorder).toMatchObject({ bytes: 1, goaways: 1, faults: [], closings: [] });
  });

  test("a PING is answered with its bytes, SETTINGS are acknowledged", async () => {
    await using pair = await Pair.greeted("host");
    pair.peer.send(frameType.ping, 0, 0, Buffer.from("01234567"));
    await until(() => pair.peer.of(frameType.ping).length > 0, "the answer");
    const [answer] = pair.peer.of(frameType.ping);
    expect([answer!.flags, String(answer!.payload)]).toEqual([frameFlag.ack, "01234567"]);
    expect(pair.peer.settingsAcks).toBe(1);
  });

  test.each([1, 5, 9])(
    "a second stream is refused and the RPC goes on, %i frames behind",
    async (count) => {
      await using pair = await Pair.greeted("plugin");
      const { peer, recorder } = pair;
      peer.send(frameType.headers, endHeaders, 3, encodeFields(requestFields));
      for (let sent = 0; sent < count; sent += 1) {
        peer.send(frameType.data, 0, 3, nul(1_000));
      }
      peer.send(frameType.data, 0, 1, Buffer.from("a"));
      await until(() => recorder.bytes > 0 && peer.of(frameType.rstStream).length > 0, "both");
      const [reset] = peer.of(frameType.rstStream);
      expect([reset!.streamId, reset!.payload.readUInt32BE(0)]).toEqual([
        3,
        errorCode.refusedStream,
      ]);
      expect(recorder).toMatchObject({ bytes: 1, faults: [], closings: [] });
    },
  );

  test.each(ends)(
    "bytes without end: what was read is given back to a %s's peer, padding and other streams included",
    async (end) => {
      await using pair = await Pair.greeted(end);
      const { peer } = pair;
      const given = { stream: rpcWindowBytes, connection: 65_535 };
      const sent = { stream: 0, connection: 0 };
      const payload = Buffer.concat([Buffer.from([255]), nul(1_000_000), nul(255)]);
      if (end === "plugin") {
        peer.send(frameType.headers, endHeaders, 3, encodeFields(requestFields));
      }
      for (let round = 0; round < 60; round += 1) {
        await until(() => {
          const updates = peer.of(frameType.windowUpdate);
          const sum = (id: number) =>
            updates
              .filter(({ streamId }) => streamId === id)
              .reduce((all, update) => all + update.payload.readUInt32BE(0), 0);
          return (
            given.stream + sum(1) - sent.stream >= payload.length &&
            given.connection + sum(0) - sent.connection >= payload.length
          );
        }, "a window");
        const id = end === "plugin" && round % 3 === 0 ? 3 : 1;
        peer.send(frameType.data, frameFlag.padded, id, payload);
        sent.connection += payload.length;
        sent.stream += id === 1 ? payload.length : 0;
      }
      const count = end === "plugin" ? 40 : 60;
      await until(() => pair.recorder.bytes === count * 1_000_000, "all");
      expect(pair.recorder.faults).toEqual([]);
    },
  );

  test("what a larger window of SETTINGS allows goes behind the acknowledgement", async () => {
    await using pair = await Pair.greeted("host");
    const { peer, rpc } = pair;
    const written = Promise.withResolvers<void>();
    rpc.write([headed(100_000)], written.resolve);
    peer.socket.write(windowUpdateFrame(0, 1_000_000));
    await until(() => peer.data.length === 65_535, "the first window");
    peer.socket.write(settingsFrame([[settingId.initialWindowSize, 1_000_000]]));
    await written.promise;
    await until(() => peer.data.length === 100_000, "the rest");
    const acks = peer.frames.flatMap(({ type, flags }, at) =>
      type === frameType.settings && flags === frameFlag.ack ? [at] : [],
    );
    const firstOfRest = peer.frames.findLastIndex(({ type }) => type === frameType.data) - 2;
    expect(acks.at(-1)).toBeLessThan(firstOfRest + 1);
    expect(
      peer.frames[firstOfRest]!.payload.length + peer.frames[firstOfRest + 1]!.payload.length,
    ).toBe(32_768);
  });

  test("a window that one SETTINGS frame widens and takes back lets nothing go", async () => {
    await using pair = await Pair.greeted("host");
    const { peer, rpc } = pair;
    rpc.write([headed(100_000)], () => undefined);
    peer.socket.write(windowUpdateFrame(0, 1_000_000));
    peer.socket.write(
      settingsFrame([
        [settingId.initialWindowSize, 1_000_000],
        [settingId.initialWindowSize, 0],
      ]),
    );
    await until(() => peer.settingsAcks === 2, "the acknowledgement");
    expect(peer.data.length).toBe(65_535);
  });

  test("PINGs while the socket takes no more of a message are no flood", async () => {
    await using pair = await Pair.greeted("plugin");
    const { peer, rpc, recorder } = pair;
    const large = 8 * 1_048_576;
    peer.socket.write(settingsFrame([[settingId.initialWindowSize, 100_000_000]]));
    peer.socket.write(windowUpdateFrame(0, 100_000_000));
    await until(() => peer.settingsAcks === 2, "the acknowledgement");
    peer.socket.pause();
    const written = Promise.withResolvers<void>();
    rpc.write([headed(large)], written.resolve);
    for (let sent = 0; sent < 100; sent += 1) {
      peer.send(frameType.ping, 0, 0, nul(8));
    }
    peer.send(frameType.data, 0, 1, Buffer.from("a"));
    await until(() => recorder.bytes > 0, "what came behind the PINGs");
    expect(pair.socket.writableLength).toBeGreaterThan(1_048_576);
    peer.socket.resume();
    await written.promise;
    await until(() => peer.of(frameType.ping).length === 100, "the answers");
    expect(recorder.closings).toEqual([]);
  });

  test("half of a connection: what a plugin's peer ends goes on the other way", async () => {
    await using pair = await Pair.greeted("plugin");
    pair.peer.send(frameType.data, endStream, 1);
    await until(() => pair.recorder.ends.length > 0, "the end");
    const written = Promise.withResolvers<void>();
    pair.rpc.write([headed(1_000)], written.resolve);
    await written.promise;
    pair.rpc.end(okStatus);
    await until(() => pair.peer.ended, "the end");
    expect(pair.peer.data.length).toBe(1_000);
    const last = pair.peer.frames.at(-1)!;
    expect([last.type, last.flags]).toEqual([frameType.headers, endHeaders | endStream]);
  });
});

describe("what ends the connection", () => {
  const head = frame(frameType.headers, endHeaders, 1, encodeFields(responseFields));
  const end = frame(frameType.headers, endHeaders | endStream, 1, encodeFields(okStatus));
  const data = frame(frameType.data, 0, 1, Buffer.from("a"));
  const begunTrailers = frame(frameType.headers, endStream, 1, encodeFields(okStatus));
  const violations: [string, "host" | "plugin" | "both", Buffer[], keyof typeof errorCode][] = [
    ["DATA before HEADERS", "host", [data], "protocolError"],
    [
      "DATA behind the end",
      "plugin",
      [frame(frameType.data, endStream, 1, nothing), data],
      "streamClosed",
    ],
    [
      "an empty DATA behind the end",
      "plugin",
      [frame(frameType.data, endStream, 1, nothing), frame(frameType.data, 0, 1, nothing)],
      "streamClosed",
    ],
    [
      "trailers behind the end",
      "plugin",
      [frame(frameType.data, endStream, 1, nothing), end],
      "streamClosed",
    ],
    ["trailers that end nothing", "both", [head, head], "protocolError"],
    [
      "an informational response as the last",
      "host",
      [frame(frameType.headers, endHeaders | endStream, 1, encodeFields({ ":status": "103" }))],
      "protocolError",
    ],
    [
      "a stream that the plugin opens",
      "host",
      [head, frame(frameType.headers, endHeaders, 2, encodeFields(responseFields))],
      "protocolError",
    ],
    [
      "DATA of a stream that nobody opened",
      "host",
      [head, frame(frameType.data, 0, 3, nothing)],
      "protocolError",
    ],
    [
      "a stream with an even number",
      "plugin",
      [frame(frameType.headers, endHeaders, 2, encodeFields(requestFields))],
      "protocolError",
    ],
    [
      "a promise",
      "host",
      [head, frame(frameType.pushPromise, endHeaders, 1, nul(4))],
      "protocolError",
    ],
    [
      "a header section that is none",
      "host",
      [frame(frameType.headers, endHeaders, 1, Buffer.from([0x80]))],
      "compressionError",
    ],
    [
      "a PING within a header section",
      "both",
      [begunTrailers, frame(frameType.ping, 0, 0, nul(8))],
      "protocolError",
    ],
    ["DATA within a header section", "plugin", [begunTrailers, data], "protocolError"],
    ["HEADERS within a header section", "both", [begunTrailers, end], "protocolError"],
    [
      "CONTINUATION of another stream",
      "both",
      [begunTrailers, frame(frameType.continuation, endHeaders, 3, nothing)],
      "protocolError",
    ],
    [
      "CONTINUATION of nothing",
      "both",
      [frame(frameType.continuation, endHeaders, 1, nothing)],
      "protocolError",
    ],
    [
      "an empty CONTINUATION",
      "both",
      [begunTrailers, frame(frameType.continuation, 0, 1, nothing)],
      "enhanceYourCalm",
    ],
    [
      "a header section without end",
      "both",
      [begunTrailers, frame(frameType.continuation, 0, 1, nul(16_384))],
      "enhanceYourCalm",
    ],
    [
      "HEADERS too short for their padding",
      "both",
      [frame(frameType.headers, endHeaders | frameFlag.padded, 1, Buffer.from([1]))],
      "protocolError",
    ],
    [
      "HEADERS too short for their priority",
      "both",
      [frame(frameType.headers, endHeaders | frameFlag.priority, 1, nul(4))],
      "frameSizeError",
    ],
    [
      "a window of more than 2^31 - 1",
      "both",
      [windowUpdateFrame(1, 0x7fff_ffff)],
      "flowControlError",
    ],
    [
      "a connection's window of more than 2^31 - 1",
      "both",
      [windowUpdateFrame(0, 0x7fff_ffff)],
      "flowControlError",
    ],
    ["a WINDOW_UPDATE of nothing", "both", [windowUpdateFrame(1, 0)], "protocolError"],
    ["frames of 1 byte", "both", [settingsFrame([[settingId.maxFrameSize, 1]])], "protocolError"],
    [
      "an initial window of 2^31",
      "both",
      [settingsFrame([[settingId.initialWindowSize, 2 ** 31]])],
      "flowControlError",
    ],
    ["SETTINGS of 5 bytes", "both", [frame(frameType.settings, 0, 0, nul(5))], "frameSizeError"],
    ["RST_STREAM of 3 bytes", "both", [frame(frameType.rstStream, 0, 1, nul(3))], "frameSizeError"],
    [
      "what is not HTTP/2",
      "host",
      [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
      "frameSizeError",
    ],
  ];

  test.each(
    violations.flatMap(([name, who, frames, code]) =>
      (who === "both" ? ends : [who]).map((side) => [name, side, frames, code] as const),
    ),
  )("a violation: %s, at the %s", async (_name, side, frames, code) => {
    await using pair = await Pair.open(side);
    pair.peer.socket.write(Buffer.concat(frames));
    await until(() => pair.peer.ended, "the end");
    expect([pair.peer.goawayCode, pair.recorder.closings.map((error) => error?.code)]).toEqual([
      errorCode[code],
      ["protocol-violation"],
    ]);
    expect(pair.recorder.faults).toEqual([]);
    await pair.closed();
  });

  test("a preface that is none", async () => {
    await using pair = await Pair.open("plugin", { silent: true });
    pair.peer.socket.write(preface.subarray(0, 20));
    await turns(5);
    expect(pair.recorder.closings).toEqual([]);
    pair.peer.socket.write("nope");
    await until(() => pair.peer.ended, "the end");
    expect(pair.peer.goawayCode).toBe(errorCode.protocolError);
    await pair.closed();
  });

  test.each([
    ["PINGs", frame(frameType.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", settingsFrame([])],
    ["streams", frame(frameType.headers, endHeaders, 3, encodeFields(requestFields))],
  ])("a flood of %s whose answers nobody reads", async (_name, asked) => {
    await using pair = await Pair.greeted("plugin");
    const { peer, recorder } = pair;
    peer.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => asked));
    while (recorder.closings.length === 0) {
      peer.socket.write(flood);
      await turns(1);
      expect(pair.socket.writableLength).toBeLessThan(200_000);
    }
    expect(recorder.closings.map((error) => error?.code)).toEqual(["protocol-violation"]);
    // It reads nothing, and closes nothing: its time runs out.
    vi.advanceTimersByTime(lingerMs);
    await once(pair.socket, "close");
  });

  test.each(ends)("the RPC is reset, at the %s", async (side) => {
    await using pair = await Pair.greeted(side);
    pair.peer.socket.write(
      Buffer.concat([rstStreamFrame(3, 2), data, rstStreamFrame(1, errorCode.cancel), data, data]),
    );
    await until(() => pair.recorder.closings.length > 0, "the end");
    expect(pair.recorder).toMatchObject({
      bytes: 1,
      closings: [{ code: "connection-lost", message: expect.stringContaining("code 8") as string }],
      faults: [],
    });
    await pair.closed();
  });

  test("a plugin that goes without having taken the RPC", async () => {
    await using pair = await Pair.open("host");
    pair.peer.socket.write(goawayFrame(0, errorCode.noError));
    await until(() => pair.recorder.closings.length > 0, "the end");
    expect(pair.recorder).toMatchObject({
      goaways: 0,
      closings: [{ code: "unavailable" }],
    });
    await pair.closed();
  });

  test("a status, while the host still waits for windows", async () => {
    await using pair = await Pair.greeted("host");
    let written = false;
    pair.rpc.write([headed(100_000)], () => {
      written = true;
    });
    pair.rpc.end();
    await until(() => pair.peer.data.length === 65_535, "a window");
    pair.peer.socket.write(end);
    await until(() => pair.recorder.closings.length > 0, "the end");
    await until(() => pair.peer.ended, "the end at the peer");
    expect([pair.recorder.closings, written]).toEqual([[undefined], false]);
    expect(pair.peer.of(frameType.rstStream)[0]!.payload.readUInt32BE(0)).toBe(errorCode.cancel);
    await pair.closed();
  });

  test("an end that waits behind a message for which the other side gives no window", async () => {
    await using pair = await Pair.greeted("plugin");
    pair.rpc.write([headed(100_000)], () => undefined);
    pair.rpc.end(okStatus);
    await until(() => pair.peer.data.length === 65_535, "a window");
    expect(pair.recorder.closings).toEqual([]);
    vi.advanceTimersByTime(lingerMs);
    expect(pair.recorder.closings).toEqual([undefined]);
    await until(() => pair.peer.ended, "the end");
    expect(pair.peer.of(frameType.rstStream)).toHaveLength(1);
    await pair.closed();
  });

  test("an end that waits behind a message goes when there are windows", async () => {
    await using pair = await Pair.greeted("plugin");
    pair.rpc.write([headed(100_000)], () => undefined);
    pair.rpc.end(okStatus);
    pair.peer.socket.write(
      Buffer.concat([windowUpdateFrame(0, 100_000), windowUpdateFrame(1, 100_000)]),
    );
    await until(() => pair.peer.ended, "the end");
    expect([pair.peer.data.length, pair.peer.frames.at(-1)!.type]).toEqual([
      100_000,
      frameType.headers,
    ]);
    expect(pair.recorder.closings).toEqual([undefined]);
    await pair.closed();
  });

  const conversation = Buffer.concat([
    settingsFrame([[settingId.initialWindowSize, 100_000]]),
    head,
    frame(frameType.data, 0, 1, Buffer.from("hello")),
    frame(frameType.ping, 0, 0, nul(8)),
    frame(frameType.headers, endStream, 1, encodeFields(okStatus)),
  ]);

  test.each(
    ends.flatMap((side) =>
      (["ends", "destroys", "resets"] as const).map((how) => [side, how] as const),
    ),
  )("a cut at any byte: the %s's peer %s the connection", async (side, how) => {
    const full = side === "host" ? conversation : Buffer.concat([preface, conversation]);
    for (let at = 0; at <= full.length; at += 3) {
      await using sockets = await ConnectedSockets.open(how === "resets" ? "tcp" : "unix");
      const pair = new Pair(side, sockets);
      const { socket } = pair.peer;
      socket.write(full.subarray(0, at));
      // Something waits at either end.
      pair.rpc.write([headed(100_000)], () => undefined);
      if (how === "ends") {
        socket.end();
      } else if (how === "destroys") {
        socket.destroySoon();
      } else {
        socket.write("", () => socket.resetAndDestroy());
      }
      await until(() => pair.recorder.closings.length > 0, "the end");
      await closedAll(sockets);
      expect([at, pair.recorder.closings.map((error) => error?.code)]).toEqual([
        at,
        ["connection-lost"],
      ]);
      expect([pair.recorder.faults, pair.recorder.ends]).toEqual([[], []]);
    }
  });

  test.each(ends)("the %s's own end, by destroy", async (side) => {
    await using pair = await Pair.greeted(side);
    pair.rpc.write([headed(100_000)], () => expect.unreachable());
    pair.rpc.destroy();
    pair.rpc.destroy();
    pair.rpc.cancel();
    pair.rpc.end(okStatus);
    pair.rpc.write([headed(1)], () => expect.unreachable());
    expect([pair.rpc.closed, pair.recorder.closings]).toEqual([true, [undefined]]);
    await pair.closed();
  });
});

/** One end under test, and the test's own at the other side. */
class Pair implements AsyncDisposable {
  readonly rpc: DedicatedConnection;
  readonly recorder = new RpcRecorder();
  readonly peer: FramePeer;
  readonly #side: "host" | "plugin";
  readonly #sockets: ConnectedSockets;

  constructor(side: "host" | "plugin", sockets: ConnectedSockets) {
    this.#side = side;
    this.#sockets = sockets;
    this.rpc =
      side === "host"
        ? DedicatedConnection.open(sockets.host, requestFields)
        : DedicatedConnection.accept(sockets.plugin, responseFields);
    this.rpc.listen(this.recorder);
    this.peer =
      side === "host"
        ? new FramePeer(sockets.plugin, "plugin")
        : new FramePeer(sockets.host, "host");
  }

  /** The peer has said what belongs in front of everything: to a plugin its request, too. */
  static async open(side: "host" | "plugin", { silent = false } = {}): Promise<Pair> {
    const pair = new Pair(side, await ConnectedSockets.open());
    if (silent) {
      return pair;
    }
    if (side === "plugin") {
      pair.peer.socket.write(preface);
    }
    pair.peer.socket.write(settingsFrame([]));
    if (side === "plugin") {
      pair.peer.send(frameType.headers, endHeaders, 1, encodeFields(requestFields));
    }
    await until(() => pair.peer.settingsAcks === 1, "the acknowledgement");
    return pair;
  }

  /** To a host its head as well. */
  static async greeted(side: "host" | "plugin"): Promise<Pair> {
    const pair = await Pair.open(side);
    if (side === "host") {
      pair.peer.send(frameType.headers, endHeaders, 1, encodeFields(responseFields));
      await until(() => pair.recorder.heads.length > 0, "the head");
    }
    return pair;
  }

  /** The socket of the end under test. */
  get socket() {
    return this.#side === "host" ? this.#sockets.host : this.#sockets.plugin;
  }

  closed(): Promise<void> {
    return closedAll(this.#sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rpc.destroy();
    await this.closed();
    await this.#sockets[Symbol.asyncDispose]();
  }
}

/**
 * Both sockets close by themselves, now that the RPC is over and the test's own end leaves, too.
 */
async function closedAll(sockets: ConnectedSockets): Promise<void> {
  for (const socket of [sockets.host, sockets.plugin]) {
    socket.resume();
    if (socket.readableEnded) {
      socket.end();
    }
    socket.once("end", () => socket.end());
  }
  await until(() => sockets.closed, "both sockets closed");
}

function serveOn(server: Http2Server, sockets: ConnectedSockets): void {
  server.on("session", (session) => session.on("error", () => undefined));
  server.emit("connection", sockets.plugin);
}

/** Writes messages one behind the other, of random bytes; gives their hash. */
async function writeMessages(rpc: DedicatedConnection, count: number, bytes = 1_048_576) {
  const hash = createHash("sha256");
  for (let index = 0; index < count; index += 1) {
    const message = headed(bytes);
    hash.update(message.subarray(frameHeadBytes));
    const cut = 1 + ((index * 77_777) % bytes);
    const written = Promise.withResolvers<void>();
    rpc.write(
      [message.subarray(0, frameHeadBytes + cut), message.subarray(frameHeadBytes + cut)],
      written.resolve,
    );
    await written.promise;
  }
  return hash.digest("hex");
}

/** Answers with what comes, and ends when it has ended. */
function echoAll(rpc: DedicatedConnection, recorder: RpcRecorder): void {
  const waiting: Buffer[] = [];
  let writing = false;
  const goOn = () => {
    writing = waiting.length > 0;
    if (writing) {
      rpc.write([nul(frameHeadBytes), ...waiting.splice(0)], goOn);
    } else if (recorder.ends.length > 0) {
      rpc.end(okStatus);
    }
  };
  recorder.onData = (octets) => {
    waiting.push(octets);
    if (!writing) {
      goOn();
    }
  };
  recorder.onEnd = () => {
    if (!writing) {
      goOn();
    }
  };
}

/** Random bytes, with room for the head of a frame in front. */
function headed(bytes: number): Buffer {
  return randomBytes(frameHeadBytes + bytes);
}

function nul(length: number): Buffer {
  return Buffer.alloc(length);
}
