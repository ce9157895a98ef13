import { createHash, randomBytes } from "node:crypto";
import type { ServerHttp2Stream } from "node:http2";
import {
  type ErrorCode,
  muxMessageBytesMax,
  muxWaitingBytesMax,
  muxWindowBytes,
  plainEnd,
  ServeHTTPError,
} from "@servehttp/contract";
import { expect, test, vi } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { helloMs } from "../limits.js";
import { returnView } from "../wire/lent-memory.js";
import { HostMux } from "./host-mux.js";
import { responseMessage } from "../test-rig/generated-codec.js";
import { framed, muxRequestsIn, muxResponseOf, RawPlugin } from "../test-rig/raw-ends.js";
import type { HostEnd } from "../test-rig/host-streams.js";
import { okHead, openMuxRpc, openOn, plainInit, Wire } from "../test-rig/wire.js";

const grpc = { ":status": 200, "content-type": "application/grpc+proto" };
const clientDisconnected = new ServeHTTPError("client-disconnected", "the client left");
const whole = { init: okHead!, end: plainEnd };

test("10,000 exchanges over one RPC leave nothing behind at either end", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel, request }) => {
    request.onParts = ({ end }) => {
      if (end !== undefined) {
        void channel.send({ init: okHead!, chunk: Buffer.from("hello"), end: plainEnd });
      }
    };
  };
  const mux = await wire.openMux();
  for (let round = 0; round < 100; round += 1) {
    const exchanges = Array.from({ length: 100 }, () => openOn(mux));
    for (const [index, { channel }] of exchanges.entries()) {
      if (index % 3 === 0) {
        void channel.send({ init: plainInit });
        void channel.send({ chunk: Buffer.alloc(100) });
        void channel.send({ end: plainEnd });
      } else {
        void channel.send({ init: plainInit, end: plainEnd });
      }
    }
    for (const { response } of exchanges) {
      await response.untilEnded();
      expect(response.faults).toEqual([]);
    }
  }
  expect(mux.exchangeCount).toBe(0);
  expect(wire.plugin).toHaveLength(10_000);
  expect(wire.faults).toEqual([]);
  // Over at the plugin as well: it has nothing to wait for.
  await Promise.all([wire.server.drain(), mux.lost]);
});

test("it gathers what is to be sent until it is on its way", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  await openOn(mux).channel.send({ init: plainInit });
  await wire.pluginEnd(0);
  await until(() => !mux.gathers, "the first message");
  void openOn(mux).channel.send({ init: plainInit });
  expect(mux.gathers).toBe(true);
  await wire.pluginEnd(1);
  await until(() => !mux.gathers, "the second message");
});

test("trap 1: an answer that does not wait for the request ends the exchange at both ends", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel, request }) => {
    request.onParts = ({ init }) => {
      if (init !== undefined) {
        void channel.send({ ...whole });
      }
    };
  };
  const mux = await wire.openMux();
  const exchanges = Array.from({ length: 1_000 }, () => openOn(mux));
  for (const { channel } of exchanges) {
    void channel.send({ init: plainInit });
    void channel.send({ chunk: Buffer.alloc(1_000) });
  }
  for (const { response } of exchanges) {
    await response.untilEnded();
  }
  for (const { channel } of exchanges) {
    expect(channel.send({ chunk: Buffer.alloc(1_000) })).toBeUndefined();
  }
  expect(mux.exchangeCount).toBe(0);
  await Promise.all([wire.server.drain(), mux.lost]);
  expect(wire.plugin.every(({ request }) => request.aborted === undefined)).toBe(true);
});

test("trap 4, D6: 5,000 exchanges given up leave another one, and the connection, untouched", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const neighbour = openOn(mux);
  void neighbour.channel.send({ init: plainInit });
  const { channel: answer } = await wire.pluginEnd(0);
  for (let round = 0; round < 50; round += 1) {
    const exchanges = Array.from({ length: 100 }, () => openOn(mux));
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
  expect(wire.openRpcs).toBe(1);
  expect(mux.exchangeCount).toBe(1);
  void neighbour.channel.send({ end: plainEnd });
  void answer.send({ ...whole });
  await neighbour.response.untilEnded();
  expect(wire.faults).toEqual([]);
});

test("D4: an exchange that is given up before its first frame goes never reaches the plugin", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const { channel } = openOn(mux);
  void channel.send({ init: plainInit, end: plainEnd });
  channel.reset(clientDisconnected);
  const next = openOn(mux);
  void next.channel.send({ init: plainInit, end: plainEnd });
  await wire.pluginEnd(0);
  await turns(10);
  expect(wire.plugin).toHaveLength(1);
  expect(mux.exchangeCount).toBe(1);
});

test("the reasons of resets arrive, both ways, and nothing of a handler's message", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const toPlugin: ErrorCode[] = [
    "client-disconnected",
    "deadline",
    "host-stopping",
    "protocol-violation",
  ];
  for (const [index, code] of toPlugin.entries()) {
    const { channel, response } = openOn(mux);
    void channel.send({ init: plainInit });
    const { request } = await wire.pluginEnd(index);
    channel.reset(new ServeHTTPError(code, "why"));
    expect((await request.untilAborted()).code).toBe(code);
    expect(response.aborted).toBeUndefined();
  }
  const toHost: [ErrorCode, ErrorCode][] = [
    ["handler-failed", "handler-failed"],
    ["internal", "handler-failed"],
    ["plugin-closing", "plugin-closing"],
  ];
  for (const [index, [sent, received]] of toHost.entries()) {
    const { channel, response } = openOn(mux);
    void channel.send({ init: plainInit });
    const end = await wire.pluginEnd(toPlugin.length + index);
    end.channel.reset(new ServeHTTPError(sent, "the password is 1234"));
    const error = await response.untilAborted();
    expect([sent, error.code]).toEqual([sent, received]);
    expect(error.message).not.toContain("1234");
    expect(end.request.aborted).toBeUndefined();
  }
  expect([mux.exchangeCount, wire.faults]).toEqual([0, []]);
});

test("L4: when the RPC is lost every exchange is aborted once, and none looks complete", async () => {
  for (const how of ["plugin dies", "the host's socket breaks"] as const) {
    await using wire = await Wire.open();
    wire.onAccept = ({ channel, request }) => {
      request.onParts = () => void channel.send({ init: okHead!, chunk: Buffer.from("a") });
    };
    const mux = await wire.openMux();
    const exchanges = Array.from({ length: 100 }, () => openOn(mux));
    for (const [index, { channel, response }] of exchanges.entries()) {
      if (index % 2 === 0) {
        response.hold();
      }
      void channel.send({ init: plainInit });
    }
    await until(() => exchanges.every(({ response }) => response.parts.length === 1), "heads");
    const unsent = [{ init: plainInit }];
    const unopened = Array.from({ length: 10 }, () => openOn(mux));
    for (const { channel } of unopened) {
      void channel.send({ ...unsent[0] });
    }
    if (how === "plugin dies") {
      wire.server.destroy();
    } else {
      wire.cutRpcs();
    }
    for (const { response } of exchanges) {
      expect([how, (await response.untilAborted()).code]).toEqual([how, "connection-lost"]);
      expect(response.unsent).toBeUndefined();
    }
    // Of these the first frames have not even gone.
    for (const { response } of unopened) {
      expect([how, (await response.untilAborted()).code]).toEqual([how, "unavailable"]);
      expect(response.unsent).toEqual(unsent);
    }
    exchanges.push(...unopened);
    for (const { request } of wire.plugin) {
      expect((await request.untilAborted()).code).toBe("host-stopping");
    }
    expect((await mux.lost).code).toBe("connection-lost");
    for (const { response } of exchanges) {
      response.release();
    }
    await turns(10);
    expect(exchanges.flatMap(({ response }) => response.faults)).toEqual([]);
    expect(exchanges.some(({ response }) => response.ended)).toBe(false);
    expect([mux.exchangeCount, mux.open, wire.faults]).toEqual([0, false, []]);
  }
});

test("L5: draining lets exchanges end that were opened before the host heard of it, and then ends the RPC", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const running = openOn(mux);
  void running.channel.send({ init: plainInit });
  const first = await wire.pluginEnd(0);
  const draining = wire.server.drain();
  // The host has not heard of it yet.
  expect(mux.open).toBe(true);
  const crossing = openOn(mux);
  void crossing.channel.send({ init: plainInit, end: plainEnd });
  expect((await mux.lost).code).toBe("plugin-closing");
  expect(mux.open).toBe(false);
  const second = await wire.pluginEnd(1);
  void running.channel.send({ end: plainEnd });
  await first.request.untilEnded();
  void first.channel.send({ ...whole });
  void second.channel.send({ ...whole });
  await running.response.untilEnded();
  await crossing.response.untilEnded();
  await draining;
  expect([...running.response.faults, ...crossing.response.faults, ...wire.faults]).toEqual([]);
});

test("L5: an exchange that crosses the draining of an idle plugin is served", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel, request }) => {
    request.onParts = () => void channel.send({ ...whole });
  };
  const mux = await wire.openMux();
  const warm = openOn(mux);
  void warm.channel.send({ init: plainInit, end: plainEnd });
  await warm.response.untilEnded();
  const draining = wire.server.drain();
  const crossing = openOn(mux);
  void crossing.channel.send({ init: plainInit, end: plainEnd });
  await crossing.response.untilEnded();
  await draining;
  expect(crossing.response.faults).toEqual([]);
});

test("closing the host's end lets open exchanges end, and then the RPC", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const { channel, response } = openOn(mux);
  void channel.send({ init: plainInit, end: plainEnd });
  const end = await wire.pluginEnd(0);
  mux.close();
  expect(mux.open).toBe(false);
  await turns(10);
  expect(wire.openRpcs).toBe(1);
  void end.channel.send({ ...whole });
  await response.untilEnded();
  await until(() => wire.openRpcs === 0, "the RPC is over");
  expect(response.faults).toEqual([]);
});

test("P13, T7: a receiver that takes nothing holds its window, and its sender waits", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const { channel, response } = openOn(mux);
  response.hold();
  void channel.send({ init: plainInit, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ init: okHead! });
  let room: void | Promise<void> = undefined;
  let sent = 0;
  for (; room === undefined || sent < 20; sent += 1) {
    room = end.channel.send({ chunk: Buffer.alloc(65_536, sent) });
  }
  // A neighbour's exchange shows that everything that could go has gone.
  const neighbour = openOn(mux);
  void neighbour.channel.send({ init: plainInit, end: plainEnd });
  void (await wire.pluginEnd(1)).channel.send({ ...whole });
  await neighbour.response.untilEnded();
  expect(response.parts).toHaveLength(1);
  response.release();
  await room;
  void end.channel.send({ end: plainEnd });
  await response.untilEnded();
  expect(response.body.every((octet, at) => octet === at >> 16)).toBe(true);
  expect(response.bytes).toBe(sent * 65_536);
  expect(response.faults).toEqual([]);
});

test("Q5: what a host may send before the plugin takes it is one window, and then its sender waits", async () => {
  let stream: ServerHttp2Stream | undefined;
  const chunks: Buffer[] = [];
  await using plugin = await RawPlugin.serve((opened) => {
    stream = opened;
    stream.respond(grpc);
    stream.write(muxResponseOf({}));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
  const mux = await hostMux(plugin);
  const bulk = openOn(mux);
  void bulk.channel.send({ init: plainInit });
  let room: void | Promise<void> = undefined;
  for (let sent = 0; sent < 8; sent += 1) {
    room = bulk.channel.send({ chunk: Buffer.alloc(65_536) });
  }
  const small = openOn(mux);
  void small.channel.send({ init: plainInit, end: plainEnd });
  const bodyBytes = () =>
    requestFrames(chunks).reduce((sum, { parts }) => sum + (parts?.chunk.length ?? 0), 0);
  await until(() => bodyBytes() === muxWindowBytes, "a window of bytes");
  await until(() => requestFrames(chunks).some(({ parts }) => parts?.end !== undefined), "small");
  await turns(20);
  expect(bodyBytes()).toBe(muxWindowBytes);
  expect(room).toBeInstanceOf(Promise);
  // A head alone goes before one with body, so that the ids are not in the order of the calls.
  const bulkId = requestFrames(chunks).find(
    ({ parts }) => (parts?.chunk.length ?? 0) > 0,
  )!.exchangeId;
  stream!.write(muxResponseOf({ frames: [{ exchangeId: bulkId, creditBytes: 8 * 65_536 }] }));
  await room;
  await until(() => bodyBytes() === 8 * 65_536, "the rest");
});

test("memory that is given with a chunk is freed once that is written, and no other memory", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const mux = await wire.openMux();
  const { channel } = openOn(mux);
  void channel.send({ init: plainInit });
  // The last one is half beyond the window.
  const chunks = [65_536, 65_536, 65_536, 32_768, 65_536].map((bytes, at) =>
    Buffer.from(new ArrayBuffer(bytes)).fill(at),
  );
  for (const [at, chunk] of chunks.entries()) {
    void channel.send(at === 1 ? { chunk } : { chunk, freesChunk: true });
  }
  await until(() => chunks[3]?.length === 0, "the last chunk that the window takes whole");
  const { request } = await wire.pluginEnd(0);
  await until(() => request.holding, "the head");
  expect(chunks.map(({ length }) => length)).toEqual([0, 65_536, 0, 0, 65_536]);
  request.release();
  await until(() => chunks[4]?.length === 0, "the chunk that waited for credit");
  await until(() => request.bytes === 4 * 65_536 + 32_768, "all of the body");
  const chunkAt = (at: number) => (at < 3 * 65_536 ? at >> 16 : at < 3 * 65_536 + 32_768 ? 3 : 4);
  expect(request.body.every((octet, at) => octet === chunkAt(at))).toBe(true);
  expect(chunks[1]).toHaveLength(65_536);
  expect(request.faults).toEqual([]);
});

test("what bulk was read into is freed as it is returned, under nobody who still needs it", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const sent = randomBytes(8 * 1_048_576);
  wire.onAccept = ({ channel }) => {
    void channel.send({ init: okHead! });
    for (let at = 0; at < sent.length; at += 65_536) {
      void channel.send({ chunk: sent.subarray(at, at + 65_536) });
    }
    void channel.send({ end: plainEnd });
  };
  const hash = createHash("sha256");
  const memory = new Set<ArrayBufferLike>();
  const returns = openOn(mux);
  const keeps = openOn(mux);
  returns.response.onParts = ({ chunk }) => {
    if (chunk !== undefined) {
      hash.update(chunk);
      memory.add(chunk.buffer);
      returnView(chunk);
    }
  };
  void returns.channel.send({ init: plainInit, end: plainEnd });
  await returns.response.untilEnded();
  void keeps.channel.send({ init: plainInit, end: plainEnd });
  await keeps.response.untilEnded();
  expect(hash.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
  expect([...memory].filter(({ byteLength }) => byteLength === 0).length).toBeGreaterThan(10);
  expect(keeps.response.body.equals(sent)).toBe(true);
});

test("W4: a bulk upload does not delay a small request: its frame goes with the next batch", async () => {
  const chunks: Buffer[] = [];
  await using plugin = await RawPlugin.serve((stream) => {
    stream.respond(grpc);
    stream.write(muxResponseOf({}));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
  const mux = await hostMux(plugin);
  const bulks = Array.from({ length: 8 }, () => openOn(mux));
  for (const { channel } of bulks) {
    void channel.send({ init: plainInit });
    for (let sent = 0; sent < 4; sent += 1) {
      void channel.send({ chunk: Buffer.alloc(65_536) });
    }
  }
  await turns(1);
  const batchesBefore = muxRequestsIn(Buffer.concat(chunks)).length;
  const small = openOn(mux);
  void small.channel.send({ init: { ...plainInit, url: "/small" }, end: plainEnd });
  const smallAt = () =>
    muxRequestsIn(Buffer.concat(chunks)).findIndex(({ frames }) =>
      frames.some(({ parts }) => parts?.init?.url === "/small"),
    );
  await until(() => smallAt() >= 0, "the small request");
  // One batch may be on its way when it comes, and one more be full already.
  expect(smallAt()).toBeLessThanOrEqual(batchesBefore + 2);
  const bulkBytes = requestFrames(chunks).reduce(
    (sum, { parts }) => sum + (parts?.chunk.length ?? 0),
    0,
  );
  expect(bulkBytes).toBeLessThan(8 * muxWindowBytes);
});

test("a sender that waits for room is let go when its exchange is over, for whatever reason", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const reasons: [string, (end: HostEnd, index: number) => void, ErrorCode][] = [
    ["reset", ({ channel }) => channel.reset(clientDisconnected), "client-disconnected"],
    [
      "answered in full",
      (_, index) => void wire.plugin[index]!.channel.send({ ...whole }),
      "request-not-needed",
    ],
    [
      "handler failed",
      (_, index) =>
        wire.plugin[index]!.channel.reset(new ServeHTTPError("handler-failed", "secret")),
      "handler-failed",
    ],
    ["connection lost", () => wire.cutRpcs(), "connection-lost"],
  ];
  const mux = await wire.openMux();
  for (const [index, [name, end, code]] of reasons.entries()) {
    const exchange = openOn(mux);
    void exchange.channel.send({ init: plainInit });
    await wire.pluginEnd(index);
    let room: void | Promise<void> = undefined;
    for (let bytes = 0; bytes < muxWindowBytes + muxWaitingBytesMax; bytes += 65_536) {
      room = exchange.channel.send({ chunk: Buffer.alloc(65_536) });
    }
    await turns(20);
    end(exchange, index);
    const reason: unknown = await Promise.resolve(room).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect([name, reason]).toEqual([name, expect.objectContaining({ code })]);
  }
});

test("an exchange whose parts are out of order is aborted; its neighbours and the RPC go on", async () => {
  const ordered = responseMessage(whole, false);
  const disordered = [
    responseMessage({ chunk: Buffer.from("before the head") }, false),
    responseMessage({ init: okHead!, hijack: true }, false),
    responseMessage({}, false),
    responseMessage({ init: okHead!, chunk: Buffer.alloc(65_537) }, false),
  ];
  await using plugin = await RawPlugin.serve((stream) => {
    stream.respond(grpc);
    stream.write(muxResponseOf({}));
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (requestFrames(chunks).length === disordered.length + 1) {
        stream.removeAllListeners("data");
        stream.resume();
        for (const [index, parts] of disordered.entries()) {
          stream.write(muxResponseOf({ frames: [{ exchangeId: BigInt(index + 1), parts }] }));
        }
        const exchangeId = BigInt(disordered.length + 1);
        stream.write(muxResponseOf({ frames: [{ exchangeId, parts: ordered }] }));
      }
    });
  });
  const mux = await hostMux(plugin);
  const bad = disordered.map(() => openOn(mux));
  const good = openOn(mux);
  for (const { channel } of [...bad, good]) {
    void channel.send({ init: plainInit, end: plainEnd });
  }
  await good.response.untilEnded();
  for (const { response } of bad) {
    expect((await response.untilAborted()).code).toBe("broken-order");
    expect(response.faults).toEqual([]);
  }
  expect([mux.open, mux.exchangeCount]).toEqual([true, 0]);
});

test("U5: credit, ids and messages that break the rules end the RPC, and abort what is open on it", async () => {
  const parts = responseMessage({ init: okHead! }, false);
  const chunk = (bytes: number) => responseMessage({ chunk: Buffer.alloc(bytes) }, false);
  const violations: [string, Buffer][] = [
    [
      "a frame of an exchange that was never opened",
      muxResponseOf({ frames: [{ exchangeId: 9n }] }),
    ],
    ["a frame without an id", muxResponseOf({ frames: [{ parts }] })],
    [
      "bytes beyond the credit",
      muxResponseOf({
        frames: [
          { exchangeId: 1n, parts },
          ...Array.from({ length: 5 }, () => ({ exchangeId: 1n, parts: chunk(65_536) })),
        ],
      }),
    ],
    [
      "more credit than may be open",
      muxResponseOf({ frames: [{ exchangeId: 1n, creditBytes: 16_777_216 }] }),
    ],
    ["a compressed message", framed(Buffer.alloc(0), 1)],
    ["a message that is too long", Buffer.from([0, ...be32(muxMessageBytesMax + 1)])],
    ["no protobuf", framed(Buffer.from([0x0b]))],
  ];
  for (const [name, octets] of violations) {
    let closed = false;
    await using plugin = await RawPlugin.serve((stream) => {
      stream.respond(grpc);
      stream.write(muxResponseOf({}));
      stream.once("data", () => stream.write(octets));
      stream.on("close", () => {
        closed = true;
      });
    });
    const mux = await hostMux(plugin);
    const exchanges = [openOn(mux), openOn(mux)];
    exchanges[0]!.response.hold();
    for (const { channel } of exchanges) {
      void channel.send({ init: plainInit, end: plainEnd });
    }
    for (const { response } of exchanges) {
      expect([name, (await response.untilAborted()).code]).toEqual([name, "protocol-violation"]);
      expect(response.faults).toEqual([]);
    }
    expect([name, (await mux.lost).code, mux.open]).toEqual([name, "protocol-violation", false]);
    await until(() => closed, `${name}: the RPC closed`);
  }
});

test("late frames of exchanges that are over are ignored", async () => {
  const answer = responseMessage(whole, false);
  await using plugin = await RawPlugin.serve((stream) => {
    stream.respond(grpc);
    stream.write(muxResponseOf({}));
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (requestFrames(chunks).length === 2) {
        stream.removeAllListeners("data");
        stream.resume();
        stream.write(
          muxResponseOf({
            frames: [
              { exchangeId: 1n, parts: answer },
              { exchangeId: 1n, parts: answer },
              { exchangeId: 1n, creditBytes: 16_777_216 },
              { exchangeId: 1n, reset: {} },
              { exchangeId: 2n, parts: answer },
            ],
          }),
        );
      }
    });
  });
  const mux = await hostMux(plugin);
  const [first, second] = [openOn(mux), openOn(mux)];
  void first.channel.send({ init: plainInit, end: plainEnd });
  void second.channel.send({ init: plainInit, end: plainEnd });
  await second.response.untilEnded();
  expect(first.response.parts).toHaveLength(1);
  expect(first.response.aborted).toBeUndefined();
  expect(mux.open).toBe(true);
});

test("an RPC that ends, or never begins, aborts its exchanges with what its status means", async () => {
  const answers: [string, (stream: ServerHttp2Stream) => void, ErrorCode][] = [
    [
      "not implemented",
      (stream) => stream.respond({ ...grpc, "grpc-status": "12" }, { endStream: true }),
      "not-a-plugin",
    ],
    [
      "no token",
      (stream) => stream.respond({ ...grpc, "grpc-status": "16" }, { endStream: true }),
      "unauthenticated",
    ],
    [
      "no gRPC",
      (stream) => stream.respond({ ":status": 404 }, { endStream: true }),
      "not-a-plugin",
    ],
    [
      "another content type",
      (stream) => {
        stream.respond({ ":status": 200, "content-type": "text/html" });
        stream.end("<html>");
      },
      "not-a-plugin",
    ],
    ["status OK", (stream) => endWith(stream, "0"), "connection-lost"],
    ["status INTERNAL", (stream) => endWith(stream, "13"), "handler-failed"],
    ["status UNAVAILABLE", (stream) => endWith(stream, "14"), "plugin-closing"],
    ["no status", (stream) => endWith(stream, undefined), "protocol-violation"],
    ["a reset before the hello", (stream) => stream.close(8), "connection-lost"],
  ];
  for (const [name, answer, code] of answers) {
    await using plugin = await RawPlugin.serve((stream) => {
      stream.resume();
      answer(stream);
    });
    const mux = await hostMux(plugin);
    const { channel, response } = openOn(mux);
    void channel.send({ init: plainInit, end: plainEnd });
    const { code: toldCode } = await response.untilAborted();
    expect([name, (await mux.lost).code, mux.open]).toEqual([name, code, false]);
    // Nothing is sent before the hello, so the exchange was never begun where it did not come.
    const isUnsent = !name.startsWith("status") && name !== "no status";
    const isLost = code === "connection-lost" && isUnsent;
    expect([name, toldCode]).toEqual([name, isLost ? "unavailable" : code]);
    expect(response.unsent).toEqual(isUnsent ? [{ init: plainInit, end: plainEnd }] : undefined);
    expect(response.faults).toEqual([]);
  }
});

test("S3: nothing is sent before the plugin's hello, and all of it behind", async () => {
  const chunks: Buffer[] = [];
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => {
    stream.respond(grpc);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    streams.push(stream);
  });
  const mux = await hostMux(plugin);
  const exchanges = [openOn(mux), openOn(mux)];
  for (const { channel } of exchanges) {
    void channel.send({ init: plainInit });
    void channel.send({ chunk: Buffer.from("body"), end: plainEnd });
  }
  await until(() => streams.length === 1, "the RPC");
  await turns(20);
  expect(chunks).toEqual([]);
  streams[0]!.write(muxResponseOf({}));
  await until(() => requestFrames(chunks).length === 2, "the exchanges");
  expect(requestFrames(chunks).every(({ parts }) => parts?.end !== undefined)).toBe(true);
});

test("a plugin that says no hello gets its exchanges a moment later", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const chunks: Buffer[] = [];
    let begun = false;
    await using plugin = await RawPlugin.serve((stream) => {
      stream.respond(grpc);
      begun = true;
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    });
    const mux = await hostMux(plugin);
    void openOn(mux).channel.send({ init: plainInit, end: plainEnd });
    await until(() => begun, "the RPC");
    vi.advanceTimersByTime(helloMs - 1);
    await turns(20);
    expect(chunks).toEqual([]);
    vi.advanceTimersByTime(1);
    await until(() => requestFrames(chunks).length === 1, "the exchange");
  } finally {
    vi.useRealTimers();
  }
});

test("L5: what was not sent when the plugin says that it drains is given back", async () => {
  let stream: ServerHttp2Stream | undefined;
  const chunks: Buffer[] = [];
  await using plugin = await RawPlugin.serve((opened) => {
    stream = opened;
    stream.respond(grpc);
    stream.write(muxResponseOf({ draining: true }));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
  const mux = await hostMux(plugin);
  const { channel, response } = openOn(mux);
  void channel.send({ init: plainInit, end: plainEnd });
  expect((await response.untilAborted()).code).toBe("unavailable");
  expect(response.unsent).toEqual([{ init: plainInit, end: plainEnd }]);
  expect((await mux.lost).code).toBe("plugin-closing");
  expect(mux.exchangeCount).toBe(0);
  await until(() => stream!.readableEnded, "the end of the RPC");
  expect(requestFrames(chunks)).toEqual([]);
});

function endWith(stream: ServerHttp2Stream, status: string | undefined): void {
  stream.respond(grpc, { waitForTrailers: status !== undefined });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.write(muxResponseOf({}));
  stream.once("data", () => stream.end());
}

async function hostMux(plugin: RawPlugin): Promise<HostMux> {
  return new HostMux(await openMuxRpc(plugin.path));
}

function requestFrames(chunks: Buffer[]) {
  return muxRequestsIn(Buffer.concat(chunks)).flatMap(({ frames }) => frames);
}

function be32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}
