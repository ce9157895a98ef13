import { constants, type ServerHttp2Stream } from "node:http2";
import {
  type ErrorCode,
  messageBytesMax,
  plainEnd,
  type RequestParts,
  ServeHTTPError,
  type Unsent,
} from "@servehttp/contract";
import { expect, test } from "vitest";
import { errorCode } from "../http2/frames.js";
import type { HostStream } from "../http2/host-stream.js";
import { RepeatedHeads } from "../wire/repeated-heads.js";
import { HostStreamExchange, type StreamCarrier } from "./host-stream-exchange.js";
import type { HostEnd, HostStreams } from "../test-rig/host-streams.js";
import { framed, RawPlugin, responseMessageOf } from "../test-rig/raw-ends.js";
import { FramePlugin, grpcResponseBlock } from "../test-rig/frame-plugin.js";
import { frameFlag, frameType, turns, until } from "@servehttp/testkit";
import { okHead, plainInit, Wire } from "../test-rig/wire.js";

const head = { init: { status: 200, headers: [] } };
const grpc = { ":status": 200, "content-type": "application/grpc+proto" };
const clientDisconnected = new ServeHTTPError("client-disconnected", "the client left");

test("trap 1: early responses leave no stream open at either end", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, end: plainEnd });
  for (let round = 0; round < 20; round += 1) {
    const exchanges = Array.from({ length: 50 }, () => wire.openStream());
    for (const { channel } of exchanges) {
      void channel.send({ init: plainInit });
      void channel.send({ chunk: Buffer.alloc(1_000) });
    }
    for (const { response } of exchanges) {
      await response.untilEnded();
      expect(response.faults).toEqual([]);
    }
  }
  await until(() => wire.openStreams === 0, "all streams of the host closed");
  await wire.streams.carrier.close("drained");
  // Resolves only when no stream of the plugin's is open.
  await wire.server.drain();
  expect(wire.plugin).toHaveLength(1_000);
  expect(wire.faults).toEqual([]);
});

test("traps 2 and 8, W1: a reset of any code at any point before the end breaks the response, once", async () => {
  const whole = responseMessageOf({ ...head, chunk: Buffer.from("body") });
  const points: [string, Buffer | undefined][] = [
    ["before the headers", undefined],
    ["behind the headers", Buffer.alloc(0)],
    ["within a prefix", whole.subarray(0, 3)],
    ["within a message", whole.subarray(0, 9)],
    ["between messages", whole],
  ];
  for (const [point, octets] of points) {
    for (const code of [...Array.from({ length: 14 }, (_, at) => at), 0xff]) {
      await using plugin = await FramePlugin.serve((writer, streamId) => {
        if (octets !== undefined) {
          writer.send(frameType.headers, frameFlag.endHeaders, streamId, grpcResponseBlock);
          writer.send(frameType.data, 0, streamId, octets);
        }
        const payload = Buffer.alloc(4);
        payload.writeUInt32BE(code);
        writer.send(frameType.rstStream, 0, streamId, payload);
      });
      const { channel, response } = openOn(plugin);
      void channel.send({ init: plainInit, end: plainEnd });
      const { code: outcome } = await response.untilAborted();
      expect([point, code, outcome]).toEqual([point, code, outcomeOfReset(code, point)]);
      await turns(3);
      expect(response.faults).toEqual([]);
      expect(response.ended).toBe(false);
    }
  }
});

function outcomeOfReset(code: number, point: string): ErrorCode {
  if (code === constants.NGHTTP2_INTERNAL_ERROR) {
    return "handler-failed";
  }
  if (code === constants.NGHTTP2_NO_ERROR) {
    // To be told from an end without a status by nobody.
    return "protocol-violation";
  }
  return code === constants.NGHTTP2_REFUSED_STREAM && point === "before the headers"
    ? "unavailable"
    : "connection-lost";
}

test("a reset behind the end part harms nothing", async () => {
  for (const code of [0, 2, 8]) {
    await using plugin = await RawPlugin.serve((stream) => {
      stream.once("data", () => {
        stream.respond(grpc);
        stream.write(responseMessageOf({ ...head, end: plainEnd }), () => stream.close(code));
      });
    });
    const { channel, response } = openOn(plugin);
    void channel.send({ init: plainInit });
    await response.untilEnded();
    await turns(20);
    expect(response.aborted).toBeUndefined();
    expect(response.faults).toEqual([]);
  }
});

test("F3, W3: an RPC that ends without the end part is broken, whatever its status", async () => {
  const outcomes: [string | undefined, ErrorCode][] = [
    ["0", "protocol-violation"],
    [undefined, "protocol-violation"],
    ["2", "handler-failed"],
    ["3", "protocol-violation"],
    ["12", "not-a-plugin"],
    ["13", "handler-failed"],
    ["14", "plugin-closing"],
    ["16", "unauthenticated"],
    ["99", "handler-failed"],
    ["nonsense", "handler-failed"],
  ];
  for (const [status, outcome] of outcomes) {
    for (const how of ["trailers", "trailers-only", "behind a head"] as const) {
      const fields = status === undefined ? {} : { "grpc-status": status, "grpc-message": "a%20b" };
      await using plugin = await RawPlugin.serve((stream) => {
        stream.resume();
        if (how === "trailers-only") {
          stream.respond({ ...grpc, ...fields }, { endStream: true });
          return;
        }
        stream.respond(grpc, { waitForTrailers: status !== undefined });
        stream.on("wantTrailers", () => stream.sendTrailers(fields));
        stream.end(how === "trailers" ? undefined : responseMessageOf(head));
      });
      const { channel, response } = openOn(plugin);
      void channel.send({ init: plainInit, end: plainEnd });
      const { code } = await response.untilAborted();
      expect([status, how, code]).toEqual([status, how, outcome]);
      await turns(3);
      expect(response.faults).toEqual([]);
    }
  }
});

test("W3: a message that is compressed, too long or no protobuf, or parts out of order, break that stream only", async () => {
  const malformed = [
    framed(Buffer.from([0x12, 0x00]), 1),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
    framed(Buffer.alloc(messageBytesMax + 1)),
    framed(Buffer.from([0x0b])),
  ];
  const disordered = [
    responseMessageOf({ chunk: Buffer.from("before the head") }),
    Buffer.concat([responseMessageOf(head), responseMessageOf(head)]),
    framed(Buffer.alloc(0)),
  ];
  const bad = [...malformed, ...disordered];
  const neighbours = Promise.withResolvers<void>();
  let streams = -1;
  await using plugin = await RawPlugin.serve((stream) => {
    stream.resume();
    stream.respond(grpc);
    // The first is the neighbour's.
    const index = streams++;
    if (index >= 0) {
      stream.write(bad[index]);
    } else {
      void neighbours.promise.then(() =>
        stream.write(responseMessageOf({ ...head, end: plainEnd })),
      );
    }
  });
  const neighbour = openOn(plugin);
  void neighbour.channel.send({ init: plainInit, end: plainEnd });
  await until(() => streams === 0, "the neighbour's stream");
  for (const index of bad.keys()) {
    const { channel, response } = openOn(plugin);
    void channel.send({ init: plainInit, end: plainEnd });
    const expected = index < malformed.length ? "protocol-violation" : "broken-order";
    expect([index, (await response.untilAborted()).code]).toEqual([index, expected]);
    expect(response.faults).toEqual([]);
  }
  neighbours.resolve();
  await neighbour.response.untilEnded();
});

test("W3: what answers with another status or content type is no plugin", async () => {
  const answers = [
    { ":status": 404, "content-type": "application/grpc" },
    { ":status": 500 },
    { ":status": 200, "content-type": "text/html" },
    { ":status": 200, "content-type": "application/grpc-web+proto" },
    { ":status": 200 },
  ];
  for (const answer of answers) {
    await using plugin = await RawPlugin.serve((stream) => {
      stream.respond(answer);
      stream.end("<html>");
    });
    const { channel, response } = openOn(plugin);
    void channel.send({ init: plainInit, end: plainEnd });
    expect((await response.untilAborted()).code).toBe("not-a-plugin");
    await turns(5);
    expect(response.faults).toEqual([]);
  }
});

test("every content type that gRPC allows is taken", async () => {
  for (const type of ["application/grpc", "application/grpc+proto", "application/grpc;x=y"]) {
    await using plugin = await RawPlugin.serve((stream) => {
      stream.resume();
      stream.respond({ ":status": 200, "content-type": type });
      stream.end(responseMessageOf({ ...head, end: plainEnd }));
    });
    const { channel, response } = openOn(plugin);
    void channel.send({ init: plainInit, end: plainEnd });
    await response.untilEnded();
    expect(response.parts).toHaveLength(1);
  }
});

test("S3: GOAWAY lets go on what the plugin has begun, and gives back what it has not seen", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => {
    streams.push(stream);
    stream.resume();
    stream.respond(grpc);
  });
  const begun = openOn(plugin);
  void begun.channel.send({ init: plainInit, end: plainEnd });
  await until(() => streams.length === 1, "the first stream");
  // Says that it has seen nothing behind the first stream, while the second is on its way.
  streams[0]!.session!.goaway(constants.NGHTTP2_NO_ERROR, streams[0]!.id);
  const late = openOn(plugin);
  void late.channel.send({ init: plainInit, end: plainEnd });
  expect((await late.response.untilAborted()).code).toBe("unavailable");
  expect(late.response.unsent).toEqual([{ init: plainInit, end: plainEnd }]);
  const again = openOn(plugin);
  for (const parts of late.response.unsent as readonly RequestParts[]) {
    void again.channel.send(parts);
  }
  const open = () => streams.filter(({ destroyed }) => !destroyed);
  await until(() => new Set(open().map(({ session }) => session)).size === 2, "the second try");
  for (const stream of open()) {
    stream.end(responseMessageOf({ ...head, end: plainEnd }));
  }
  await begun.response.untilEnded();
  await again.response.untilEnded();
  expect([...again.response.faults, ...begun.response.faults]).toEqual([]);
  await until(() => plugin.streams.carrier.connectionCount === 1, "the first connection's end");
});

test("S3: what a connection has not seen of a request is given back, all of it", () => {
  const one = new UnseenExchange();
  one.sendAll();
  one.exchange.failed(going, true);
  expect(one.written).toEqual(one.sent);
  expect(one.aborts).toEqual([["unavailable", one.sent]]);
  expect(one.keptBytes).toBe(0);
});

test("S3: what waits for the end of a turn when the connections are closed is given back", () => {
  const one = new UnseenExchange();
  const [init, chunk] = one.sent;
  void one.exchange.send({ ...init });
  void one.exchange.send({ ...chunk });
  one.exchange.failed(new ServeHTTPError("connection-lost", "it was closed"), false);
  expect(one.written).toEqual([]);
  expect(one.aborts).toEqual([["unavailable", [{ ...init, ...chunk }]]]);
});

test("S2: a refused stream is tried once more on another connection, and then given back", () => {
  const one = new UnseenExchange();
  one.sendAll();
  one.exchange.receiveReset(errorCode.refusedStream);
  expect([one.written, one.aborts]).toEqual([[...one.sent, ...one.sent], []]);
  one.exchange.receiveReset(errorCode.refusedStream);
  expect(one.aborts).toEqual([["unavailable", one.sent]]);
  expect(one.keptBytes).toBe(0);
});

test("S2: what no connection has room for is given back, all of it", async () => {
  for (const isRefused of [false, true]) {
    const one = new UnseenExchange();
    one.isFull = !isRefused;
    one.sendAll();
    if (isRefused) {
      one.isFull = true;
      one.exchange.receiveReset(errorCode.refusedStream);
    }
    expect(one.aborts).toEqual([]);
    await turns(1);
    expect(one.aborts).toEqual([["overload", one.sent]]);
    expect(one.keptBytes).toBe(0);
  }
});

test("S3: a request that the plugin may have seen is never given back, nor one that is too long to keep", () => {
  const seen = new UnseenExchange();
  seen.sendAll(() => {
    seen.stream.seen = true;
  });
  const long = new UnseenExchange({ keptBytesMax: 3 });
  long.sendAll();
  const processed = new UnseenExchange();
  processed.sendAll();
  for (const { exchange } of [seen, long]) {
    exchange.failed(going, true);
  }
  processed.exchange.failed(going, false);
  for (const { aborts, written, sent, keptBytes } of [seen, long, processed]) {
    expect([aborts, written, keptBytes]).toEqual([[["unavailable", undefined]], sent, 0]);
  }
});

test("a connection that is closed opens no exchange, and says so", async () => {
  await using wire = await Wire.open();
  const closing = wire.streams.carrier.close("drained");
  expect(() => wire.openStream()).toThrow(expect.objectContaining({ code: "connection-lost" }));
  await closing;
  expect(() => wire.openStream()).toThrow(expect.objectContaining({ code: "connection-lost" }));
});

test("trap 4, D6: 5,000 exchanges given up on one connection leave another one untouched", async () => {
  await using wire = await Wire.open();
  const neighbour = wire.openStream();
  void neighbour.channel.send({ init: plainInit });
  const { channel: answer } = await wire.pluginEnd(0);
  for (let round = 0; round < 50; round += 1) {
    const exchanges = Array.from({ length: 100 }, () => wire.openStream());
    for (const { channel } of exchanges) {
      void channel.send({ init: plainInit });
    }
    await until(() => wire.plugin.length === (round + 1) * 100 + 1, "all of the round");
    for (const { channel } of exchanges) {
      channel.reset(clientDisconnected);
    }
  }
  await until(
    () =>
      wire.plugin.slice(1).every(({ request }) => request.aborted?.code === "client-disconnected"),
    "all aborted",
  );
  await until(() => wire.openStreams === 1, "their streams closed");
  void neighbour.channel.send({ end: plainEnd });
  void answer.send({ init: okHead!, end: plainEnd });
  await neighbour.response.untilEnded();
  expect(wire.faults).toEqual([]);
});

test("Q5: a plugin that does not take the body makes the sender wait, with little in between, and loses nothing", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit });
  const { request } = await wire.pluginEnd(0);
  const { room } = await stall({ channel, response });
  expect(request.bytes).toBeLessThanOrEqual(65_536);
  const held = request.parts.length;
  request.release();
  await room;
  expect(request.parts.length).toBeGreaterThan(held);
  const stalledBytes = 64 * 65_536;
  for (let sent = 0; sent < 64; sent += 1) {
    await channel.send({ chunk: Buffer.alloc(65_536, sent) });
  }
  void channel.send({ end: plainEnd });
  await request.untilEnded();
  const { body } = request;
  expect(body.subarray(-stalledBytes)).toSatisfy((octets: Buffer) =>
    octets.every((octet, at) => octet === at >> 16),
  );
  // What lay between the two while one of them did not take it.
  expect(body.length - stalledBytes).toBeLessThan(2_000_000);
  expect(request.faults).toEqual([]);
});

test("a sender that waits for room is let go when the exchange is over, for whatever reason", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const reasons: [string, (end: HostEnd, index: number) => void, ErrorCode][] = [
    ["reset", ({ channel }) => channel.reset(clientDisconnected), "client-disconnected"],
    [
      "handler failed",
      (_, index) =>
        wire.plugin[index]!.channel.reset(new ServeHTTPError("handler-failed", "secret")),
      "handler-failed",
    ],
    ["connection lost", () => wire.streams.cut(), "connection-lost"],
  ];
  for (const [index, [name, end, code]] of reasons.entries()) {
    const exchange = wire.openStream();
    void exchange.channel.send({ init: plainInit });
    await wire.pluginEnd(index);
    const { room } = await stall(exchange);
    end(exchange, index);
    const reason = await room.then(
      () => undefined,
      (error: unknown) => error,
    );
    expect([name, (reason as ServeHTTPError | undefined)?.code]).toEqual([name, code]);
  }
});

test("a sender that waits for room is let go when the plugin has answered in full", async () => {
  const answer = Promise.withResolvers<void>();
  await using plugin = await FramePlugin.serve((writer, streamId) => {
    void answer.promise.then(() => {
      writer.send(frameType.headers, frameFlag.endHeaders, streamId, grpcResponseBlock);
      const octets = responseMessageOf({ ...head, end: plainEnd });
      writer.send(frameType.data, 0, streamId, octets);
    });
  });
  const exchange = openOn(plugin);
  void exchange.channel.send({ init: plainInit });
  const { room } = await stall(exchange);
  answer.resolve();
  await expect(room).rejects.toMatchObject({ code: "request-not-needed" });
  await exchange.response.untilEnded();
});

test("the sender of a tunnel's last bytes is let go when the connection is lost", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const exchange = wire.openStream();
  void exchange.channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
  const { channel } = await wire.pluginEnd(0);
  void channel.send({ hijack: true, tunnelEnd: true });
  await until(() => exchange.response.tunnelEnded, "the plugin's end of the tunnel");
  for (let sent = 0; sent < 40; sent += 1) {
    void exchange.channel.send({ tunnelChunk: Buffer.alloc(65_536) });
  }
  const room = exchange.channel.send({ tunnelChunk: Buffer.alloc(65_536), tunnelEnd: true });
  expect(room).toBeInstanceOf(Promise);
  wire.streams.cut();
  await expect(room).rejects.toMatchObject({ code: "connection-lost" });
});

test.each([
  ["while the request runs", {}],
  ["behind a complete request", { end: plainEnd }],
])("D5: the reason of a reset arrives in the plugin, %s", async (_name, end) => {
  await using wire = await Wire.open();
  const codes: ErrorCode[] = [
    "client-disconnected",
    "deadline",
    "host-stopping",
    "protocol-violation",
  ];
  for (const [index, code] of codes.entries()) {
    const { channel, response } = wire.openStream();
    void channel.send({ init: plainInit, chunk: Buffer.from("abc"), ...end });
    const { request } = await wire.pluginEnd(index);
    channel.reset(new ServeHTTPError(code, "why"));
    expect((await request.untilAborted()).code).toBe(code);
    expect(response.aborted).toBeUndefined();
  }
  await until(() => wire.openStreams === 0, "all streams closed");
  expect(wire.faults).toEqual([]);
});

test("a reset reaches a plugin that takes nothing, though its reason may not", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  for (const [index, code] of (["deadline", "client-disconnected"] as const).entries()) {
    const exchange = wire.openStream();
    void exchange.channel.send({ init: plainInit });
    const { request } = await wire.pluginEnd(index);
    await stall(exchange);
    exchange.channel.reset(new ServeHTTPError(code, "why"));
    expect(["deadline", "client-disconnected"]).toContain((await request.untilAborted()).code);
    expect(request.holding).toBe(true);
    request.release();
    await turns(10);
    expect(request.faults).toEqual([]);
    expect(request.parts).toHaveLength(1);
  }
});

test("an exchange that is reset before anything was sent never reaches the plugin", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit, end: plainEnd });
  channel.reset(clientDisconnected);
  void channel.send({ chunk: Buffer.from("late") });
  await until(() => wire.openStreams === 0, "its stream closed");
  expect(wire.plugin.every(({ request }) => request.parts.length === 0)).toBe(true);
  expect(response.aborted).toBeUndefined();
});

test("L4: the loss of the connection aborts every exchange once, as lost", async () => {
  for (const how of ["plugin dies", "host's socket breaks"]) {
    await using wire = await Wire.open();
    wire.onAccept = ({ channel }) => void channel.send({ init: okHead!, chunk: Buffer.from("a") });
    const exchanges = Array.from({ length: 20 }, () => wire.openStream());
    for (const [index, { channel, response }] of exchanges.entries()) {
      if (index % 2 === 0) {
        response.hold();
      }
      void channel.send({ init: plainInit });
    }
    await until(() => exchanges.every(({ response }) => response.parts.length === 1), "all heads");
    if (how === "plugin dies") {
      wire.server.destroy();
    } else {
      wire.streams.cut();
    }
    for (const { response } of exchanges) {
      expect([how, (await response.untilAborted()).code]).toEqual([how, "connection-lost"]);
    }
    for (const { response } of exchanges) {
      response.release();
    }
    await turns(10);
    expect(exchanges.flatMap(({ response }) => response.faults)).toEqual([]);
    expect(exchanges.every(({ response }) => response.parts.length === 1)).toBe(true);
  }
});

test("trap 3: a response that is there in full before it is read is read in full", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel }) => {
    void channel.send({ init: okHead!, chunk: Buffer.from("one") });
    void channel.send({ chunk: Buffer.from("two") });
    void channel.send({ chunk: Buffer.from("three"), end: plainEnd });
  };
  const { channel, response } = wire.openStream();
  response.hold();
  void channel.send({ init: plainInit, end: plainEnd });
  await until(() => response.holding, "the first parts");
  await turns(50);
  expect(response.parts).toHaveLength(1);
  response.takeOne();
  await until(() => response.parts.length === 2, "the second parts");
  await turns(50);
  response.release();
  await response.untilEnded();
  expect(response.body.toString()).toBe("onetwothree");
  expect(response.faults).toEqual([]);
  await until(() => wire.openStreams === 0, "its stream closed");
});

test("parts of one turn that belong together travel as one message", async () => {
  await using wire = await Wire.open();
  const { channel } = wire.openStream();
  void channel.send({ init: plainInit });
  void channel.send({ chunk: Buffer.from("a") });
  void channel.send({ end: plainEnd });
  const { request } = await wire.pluginEnd(0);
  await request.untilEnded();
  expect(request.parts).toHaveLength(1);
});

function openOn({ streams }: { streams: HostStreams }): HostEnd {
  return streams.open();
}

/**
 * Sends until there is no room and comes to be none; the promise of it. Boxed, so that nobody
 * awaits it unasked.
 */
async function stall({ channel }: HostEnd, what = 0): Promise<{ room: Promise<void> }> {
  for (;;) {
    const room = channel.send({ chunk: Buffer.alloc(65_536, what) });
    if (room === undefined) {
      continue;
    }
    let waits = true;
    const stopWaiting = () => {
      waits = false;
    };
    room.then(stopWaiting, stopWaiting);
    for (let turn = 0; turn < 200 && waits; turn += 1) {
      await turns(1);
    }
    if (waits) {
      return { room };
    }
  }
}

const going = new ServeHTTPError("unavailable", "the plugin's server was going");

/** An exchange whose streams are none: nothing comes of what it sends. */
class UnseenExchange {
  readonly exchange: HostStreamExchange;
  readonly stream = {
    seen: false,
    unsentBytes: 0,
    reset: () => undefined,
    resume: () => undefined,
  };
  readonly sent: RequestParts[] = [
    { init: plainInit },
    { chunk: Buffer.from("one") },
    { chunk: Buffer.from("two"), end: plainEnd },
  ];
  readonly written: RequestParts[] = [];
  readonly aborts: [ErrorCode, Unsent | undefined][] = [];
  keptBytes = 0;
  /** Whether no connection has room. */
  isFull = false;

  constructor({ keptBytesMax = 1_000 } = {}) {
    const carrier: StreamCarrier = {
      heads: new RepeatedHeads(),
      plan: () => undefined,
      openStream: (_listener, parts) => {
        if (this.isFull) {
          return undefined;
        }
        this.written.push(parts);
        return this.stream as unknown as HostStream;
      },
      writeTo: (_stream, parts) => this.written.push(parts),
      keep: (bytes) => {
        const fits = this.keptBytes + bytes <= keptBytesMax;
        this.keptBytes += fits ? bytes : 0;
        return fits;
      },
      forget: () => undefined,
    };
    this.exchange = new HostStreamExchange(carrier, {
      receive: () => undefined,
      abort: ({ code }, unsent) => this.aborts.push([code, unsent]),
    });
  }

  sendAll(behindTheFirst?: () => void): void {
    for (const [at, parts] of this.sent.entries()) {
      void this.exchange.send({ ...parts });
      this.exchange.flush();
      if (at === 0) {
        behindTheFirst?.();
      }
    }
  }
}
