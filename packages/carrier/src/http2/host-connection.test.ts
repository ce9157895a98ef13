import { ConnectedSockets, FramePeer, turns, until } from "@servehttp/testkit";
import { expect, test } from "vitest";
import { hostStreamWindowBytes } from "../limits.js";
import { HostConnectionRig } from "../test-rig/host-connection-rig.js";
import {
  errorCode,
  frameFlag,
  frameType,
  goawayFrame,
  rstStreamFrame,
  settingId,
  settingsFrame,
  windowUpdateFrame,
} from "./frames.js";
import { encodeFields } from "./hpack.js";

const head = encodeFields({ ":status": "200", "content-type": "application/grpc" });
const trailers = encodeFields({ "grpc-status": "0" });
const nothing = Buffer.alloc(0);
const windowBytes = 65_535;

test("streams have odd numbers, HEADERS each, and a message as one DATA frame", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  rig.open(Buffer.from("first"), true);
  rig.open(Buffer.from("second"), false).write(Buffer.from("more"), true);
  await until(() => peer.of(frameType.data).length === 3, "all DATA");
  expect(peer.of(frameType.headers).map(({ streamId, flags }) => [streamId, flags])).toEqual([
    [1, frameFlag.endHeaders],
    [3, frameFlag.endHeaders],
  ]);
  expect(
    peer
      .of(frameType.data)
      .map(({ streamId, flags, payload }) => [streamId, flags, payload.toString()]),
  ).toEqual([
    [1, frameFlag.endStream, "first"],
    [3, 0, "second"],
    [3, frameFlag.endStream, "more"],
  ]);
  expect(rig.connection.streamCount).toBe(2);
});

test("the fields of a request go into the peer's table once it is known, and are numbers from then on", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const openThree = async (count: number) => {
    for (let opened = 0; opened < 3; opened += 1) {
      rig.open(Buffer.from("a"), true);
    }
    await until(() => peer.of(frameType.headers).length === count, "three more");
    return peer.of(frameType.headers).slice(-3);
  };
  const [indexing, ...indexed] = await openThree(3);
  expect(indexing!.payload.includes("application/grpc+proto")).toBe(true);
  // :method and :scheme are in every table.
  expect(indexed.map(({ payload }) => payload.toString("hex"))).toEqual(
    indexed.map(() => "83c2c186c0bfbe"),
  );
  // A peer that wants a smaller table is given none.
  peer.socket.write(settingsFrame([[settingId.headerTableSize, 100]]));
  await until(() => peer.settingsAcks === 2, "the acknowledgement");
  const [emptying, ...literal] = await openThree(6);
  expect([emptying!.payload[0], ...literal.map(({ payload }) => payload[0])]).toEqual([0x20, 0, 0]);
});

test("a response is given as it comes, and both ends free the stream", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.from("ask"), true);
  await until(() => peer.of(frameType.data).length === 1, "the request");
  const early = encodeFields({ ":status": "103" });
  peer.send(frameType.headers, frameFlag.endHeaders, 1, early);
  // In two frames, and with padding.
  peer.send(frameType.headers, 0, 1, head.subarray(0, 5));
  peer.send(frameType.continuation, frameFlag.endHeaders, 1, head.subarray(5));
  peer.send(frameType.data, frameFlag.padded, 1, Buffer.from("\x03abc\0\0\0", "latin1"));
  peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, trailers);
  await until(() => one.over, "the end");
  expect(one).toMatchObject({
    heads: [{ ":status": "200" }],
    trailers: { "grpc-status": "0" },
    faults: [],
  });
  expect(one.body.toString()).toBe("abc");
  expect(rig.told).toEqual(["ready", "idle"]);
});

test("what is sent keeps to the windows of stream and connection, and streams take turns", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.alloc(40_000, 1), false);
  one.write(Buffer.alloc(40_000, 1), false);
  const two = rig.open(Buffer.alloc(40_000, 2), false);
  await until(() => peer.data.length === windowBytes, "the connection's window");
  await turns(5);
  expect(peer.data.length).toBe(windowBytes);
  const sent = (id: number) =>
    peer
      .of(frameType.data)
      .filter(({ streamId }) => streamId === id)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  peer.socket.write(windowUpdateFrame(0, 40_000));
  // A stream's own window holds its last bytes up, and lets the other one pass.
  await until(() => sent(3) === 40_000 && sent(1) === windowBytes, "all that the windows allow");
  peer.socket.write(Buffer.concat([windowUpdateFrame(0, 40_000), windowUpdateFrame(1, 40_000)]));
  await until(() => sent(1) === 80_000, "the rest");
  expect([one.stream.unsentBytes, two.stream.unsentBytes]).toEqual([0, 0]);
  expect(peer.of(frameType.data).every(({ payload }) => payload.length <= 16_384)).toBe(true);
});

test("SETTINGS change the windows of open streams, below nothing as well", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  rig.open(Buffer.alloc(30_000), false).write(Buffer.alloc(30_000), true);
  await until(() => peer.data.length === 60_000, "the first bytes");
  peer.socket.write(settingsFrame([[settingId.initialWindowSize, 10_000]]));
  await until(() => peer.settingsAcks === 2, "the acknowledgement");
  // Its window is 10,000 - 60,000 now.
  const late = rig.open(Buffer.alloc(20_000), false);
  peer.socket.write(Buffer.concat([windowUpdateFrame(0, 100_000), windowUpdateFrame(1, 50_000)]));
  await until(() => peer.data.length === 70_000, "the window of the new stream");
  peer.socket.write(settingsFrame([[settingId.initialWindowSize, 20_000]]));
  await until(() => peer.data.length === 80_000, "the rest");
  expect(late.stream.unsentBytes).toBe(0);
});

test("a sender that asks is told when there is room", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.alloc(65_000), false);
  one.write(Buffer.alloc(200_000), false);
  one.stream.awaitRoom();
  await until(() => peer.data.length === windowBytes, "the window");
  expect(one.rooms).toBe(0);
  const more = 150_000;
  peer.socket.write(Buffer.concat([windowUpdateFrame(0, more), windowUpdateFrame(1, more)]));
  await until(() => one.rooms === 1, "room");
});

test("bytes that are not taken keep the stream's window, and no other stream's", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const held = rig.open(Buffer.from("a"), true);
  const other = rig.open(Buffer.from("b"), true);
  held.stream.pause();
  await until(() => peer.of(frameType.data).length === 2, "both requests");
  for (const id of [1, 3]) {
    peer.send(frameType.headers, frameFlag.endHeaders, id, head);
  }
  const frameBytes = 16_384;
  for (let sent = 0; sent < hostStreamWindowBytes; sent += frameBytes) {
    peer.send(frameType.data, 0, 1, Buffer.alloc(frameBytes, 7));
    peer.send(frameType.data, 0, 3, Buffer.alloc(frameBytes, 8));
  }
  await until(() => other.body.length === hostStreamWindowBytes, "all of the other's");
  expect(held.chunks).toEqual([]);
  const updates = (id: number) =>
    peer.of(frameType.windowUpdate).filter(({ streamId }) => streamId === id).length;
  expect([updates(1), updates(3) > 0, updates(0) > 2]).toEqual([0, true, true]);
  peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, trailers);
  await turns(5);
  expect(held.over).toBe(false);
  held.stream.resume();
  expect(held.body.equals(Buffer.alloc(hostStreamWindowBytes, 7))).toBe(true);
  expect(held).toMatchObject({ trailers: { "grpc-status": "0" }, faults: [] });
});

test("what came in full is given though the connection is lost meanwhile", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.from("a"), false);
  one.stream.pause();
  await until(() => peer.of(frameType.data).length === 1, "the request");
  peer.send(frameType.headers, frameFlag.endHeaders, 1, head);
  peer.send(frameType.data, 0, 1, Buffer.from("whole"));
  peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, trailers);
  peer.socket.end();
  await until(() => rig.told.includes("closed"), "the loss");
  expect(one.over).toBe(false);
  one.stream.resume();
  expect(one.body.toString()).toBe("whole");
  expect(one).toMatchObject({
    trailers: { "grpc-status": "0" },
    failure: { error: { code: "connection-lost" }, unprocessed: false },
    faults: [],
  });
});

test("S5: a stream that is given up is reset, whatever waits; frames of it that come late are ignored", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.alloc(100_000), true);
  await until(() => peer.data.length === windowBytes, "the window");
  peer.send(frameType.headers, frameFlag.endHeaders, 1, head);
  await until(() => one.heads.length === 1, "the head");
  one.stream.reset(errorCode.cancel);
  await until(() => peer.of(frameType.rstStream).length === 1, "the reset");
  peer.send(frameType.data, 0, 1, Buffer.from("late"));
  peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, trailers);
  peer.socket.write(Buffer.concat([windowUpdateFrame(1, 1), rstStreamFrame(1, 8)]));
  const next = rig.open(Buffer.from("next"), true);
  peer.socket.write(windowUpdateFrame(0, 100_000));
  await until(() => peer.frames.at(-1)?.streamId === 3, "the next stream");
  expect([one.chunks, one.over, next.over]).toEqual([[], false, false]);
  const own = peer.frames.filter(({ streamId }) => streamId === 1);
  expect(own.at(-1)?.type).toBe(frameType.rstStream);
  expect(own.some(({ flags, type }) => type < 2 && (flags & frameFlag.endStream) !== 0)).toBe(
    false,
  );
});

test("S4: streams that the peer may not know are reset ten at a time", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const streams = Array.from({ length: 30 }, () => rig.open(Buffer.from("a"), false));
  await until(() => peer.of(frameType.headers).length === 30, "all streams");
  const settings = peer.of(frameType.settings).length;
  for (const { stream } of streams) {
    stream.reset(errorCode.cancel);
  }
  await until(() => peer.of(frameType.settings).length === settings + 1, "the question");
  await turns(5);
  expect(peer.of(frameType.rstStream)).toHaveLength(10);
  expect(rig.connection.streamCount).toBe(20);
  // To the SETTINGS of the beginning, and to the question.
  peer.send(frameType.settings, frameFlag.ack, 0, nothing);
  peer.send(frameType.settings, frameFlag.ack, 0, nothing);
  await until(() => peer.of(frameType.rstStream).length === 30, "the others");
  expect(rig.connection.streamCount).toBe(0);
});

test("S4: no more streams are open than can be reset, and resets come back with time", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  peer.socket.write(settingsFrame([[settingId.initialWindowSize, 1_000]]));
  const small = { firstBytes: 1, moreBytes: 0 };
  const streams = Array.from({ length: 99 }, () => rig.open(Buffer.from("a"), true));
  expect(rig.connection.fits(small)).toBe(true);
  streams.push(rig.open(Buffer.from("a"), true));
  expect(rig.connection.fits(small)).toBe(false);
  await until(() => peer.of(frameType.headers).length === 100, "all streams");
  for (const { stream } of streams) {
    peer.send(frameType.headers, frameFlag.endHeaders, stream.id, head);
  }
  await until(() => streams.every(({ heads }) => heads.length === 1), "all heads");
  for (const { stream } of streams) {
    stream.reset(errorCode.cancel);
  }
  expect([rig.connection.streamCount, rig.connection.fits(small)]).toEqual([0, false]);
  rig.nowMs = 400;
  expect([rig.connection.fits(small), rig.connection.isWorn]).toEqual([true, true]);
  rig.nowMs = 60_000;
  expect(rig.connection.isWorn).toBe(false);
});

test("S1: an upload is taken where its window is free, another exchange where uploads leave some", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const upload = { firstBytes: 100, moreBytes: Number.POSITIVE_INFINITY };
  const small = { firstBytes: 100, moreBytes: 0 };
  const { connection } = rig;
  expect([connection.fits(upload), connection.fits(small)]).toEqual([true, true]);
  const one = rig.open(Buffer.alloc(100), false);
  expect([connection.fits(upload), connection.fits(small)]).toEqual([false, false]);
  peer.socket.write(windowUpdateFrame(0, 200));
  await until(() => connection.fits(small), "a window of more than the upload's");
  expect(connection.fits(upload)).toBe(false);
  one.write(Buffer.alloc(50), true);
  expect([connection.fits(upload), connection.fits(small)]).toEqual([true, true]);
});

test.each([
  [3, [undefined, undefined, "unavailable"]],
  [0x7fff_ffff, [undefined, undefined, undefined]],
])("S3: GOAWAY up to stream %i lets those finish, and opens no more", async (last, outcomes) => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const streams = [1, 3, 5].map(() => rig.open(Buffer.from("a"), true));
  await until(() => peer.of(frameType.headers).length === 3, "all streams");
  peer.socket.write(goawayFrame(last, errorCode.noError));
  await until(() => rig.told.includes("draining"), "the GOAWAY");
  expect(rig.connection.fits({ firstBytes: 1, moreBytes: 0 })).toBe(false);
  expect(streams.map(({ failure }) => failure?.error.code)).toEqual(outcomes);
  expect(streams.every(({ failure }) => failure?.unprocessed !== false)).toBe(true);
  for (const id of [1, 3, 5]) {
    peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, id, head);
  }
  await until(() => peer.goawayCode !== undefined, "the end");
  expect(streams[0]!.trailers).toMatchObject({ ":status": "200" });
  expect([rig.error, peer.goawayCode]).toEqual([undefined, errorCode.noError]);
  expect(rig.told).toEqual(["ready", "draining", "idle", "closed"]);
});

test("S3: GOAWAY with an error tells what runs at once", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const streams = [1, 3, 5].map(() => rig.open(Buffer.from("a"), true));
  await until(() => peer.of(frameType.headers).length === 3, "all streams");
  peer.socket.write(goawayFrame(3, errorCode.enhanceYourCalm));
  await until(() => rig.told.includes("closed"), "the GOAWAY");
  expect(streams.map(({ failure }) => [failure?.error.code, failure?.unprocessed])).toEqual([
    ["connection-lost", false],
    ["connection-lost", false],
    ["unavailable", true],
  ]);
});

test.each([
  ["DATA before HEADERS", errorCode.protocolError, [[frameType.data, 0, "x"]]],
  [
    "a second head",
    errorCode.protocolError,
    [
      [frameType.headers, frameFlag.endHeaders, head],
      [frameType.headers, frameFlag.endHeaders, head],
    ],
  ],
  [
    "an informational response as the last",
    errorCode.protocolError,
    [
      [
        frameType.headers,
        frameFlag.endHeaders | frameFlag.endStream,
        encodeFields({ ":status": "100" }),
      ],
    ],
  ],
  [
    "DATA behind the end",
    errorCode.streamClosed,
    [
      [frameType.headers, frameFlag.endHeaders | frameFlag.endStream, head],
      [frameType.data, 0, "x"],
    ],
  ],
] as const)("%s ends that stream only", async (_name, code, frames) => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.from("a"), false);
  const other = rig.open(Buffer.from("b"), true);
  await until(() => peer.of(frameType.headers).length === 2, "both streams");
  for (const [type, flags, payload] of frames) {
    peer.send(type, flags, 1, Buffer.from(payload));
  }
  await until(() => peer.of(frameType.rstStream).length === 1, "the reset");
  expect(peer.of(frameType.rstStream)[0]?.payload.readUInt32BE()).toBe(code);
  expect(one.failure?.error.code).toBe("protocol-violation");
  peer.send(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 3, head);
  await until(() => other.trailers !== undefined, "the other's end");
});

test.each([
  ["a push", errorCode.protocolError, [frameType.pushPromise, 4, 1, Buffer.alloc(4)]],
  ["HEADERS of a stream never opened", errorCode.protocolError, [frameType.headers, 4, 5, head]],
  ["HEADERS of a stream of the server's", errorCode.protocolError, [frameType.headers, 4, 2, head]],
  ["DATA of a stream never opened", errorCode.protocolError, [frameType.data, 0, 5, nothing]],
  ["a reset of one", errorCode.protocolError, [frameType.rstStream, 0, 5, Buffer.alloc(4)]],
  ["a window of nothing", errorCode.protocolError, [frameType.windowUpdate, 0, 0, Buffer.alloc(4)]],
  [
    "a window too large",
    errorCode.flowControlError,
    [frameType.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ],
  [
    "a stream's window too large",
    errorCode.flowControlError,
    [frameType.windowUpdate, 0, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ],
  [
    "SETTINGS that ask for pushes",
    errorCode.protocolError,
    [frameType.settings, 0, 0, Buffer.from([0, 2, 0, 0, 0, 1])],
  ],
  [
    "SETTINGS of a window too large",
    errorCode.flowControlError,
    [frameType.settings, 0, 0, Buffer.from([0, 4, 0x80, 0, 0, 0])],
  ],
  [
    "SETTINGS of frames too small",
    errorCode.protocolError,
    [frameType.settings, 0, 0, Buffer.from([0, 5, 0, 0, 0, 1])],
  ],
  ["a stray CONTINUATION", errorCode.protocolError, [frameType.continuation, 4, 1, head]],
  [
    "a section that is none",
    errorCode.compressionError,
    [frameType.headers, 4, 1, Buffer.from([0xff])],
  ],
  [
    "a dynamic table of 4,097 bytes",
    errorCode.compressionError,
    [frameType.headers, 4, 1, Buffer.from([0x3f, 0xe2, 0x1f])],
  ],
] as const)(
  "%s ends the connection with its code",
  async (_name, code, [type, flags, id, payload]) => {
    await using pair = await Pair.open();
    const { peer, rig } = pair;
    const one = rig.open(Buffer.from("a"), true);
    await until(() => peer.of(frameType.headers).length === 1, "the stream");
    peer.send(type, flags, id, payload);
    await until(() => peer.goawayCode !== undefined, "the GOAWAY");
    expect(peer.goawayCode).toBe(code);
    expect(rig.error?.code).toBe("protocol-violation");
    expect(one.failure).toMatchObject({
      error: { code: "protocol-violation" },
      unprocessed: false,
    });
    expect(rig.connection.state).toBe("closed");
  },
);

test("more bytes than a stream's window allows end the connection", async () => {
  await using pair = await Pair.open();
  const { peer, rig } = pair;
  const one = rig.open(Buffer.from("a"), true);
  one.stream.pause();
  await until(() => peer.of(frameType.headers).length === 1, "the stream");
  peer.send(frameType.headers, frameFlag.endHeaders, 1, head);
  for (let sent = 0; sent <= hostStreamWindowBytes; sent += 16_384) {
    peer.send(frameType.data, 0, 1, Buffer.alloc(16_384));
  }
  await until(() => peer.goawayCode !== undefined, "the GOAWAY");
  expect(peer.goawayCode).toBe(errorCode.flowControlError);
});

/** A host's connection and a peer that says what the test tells it. */
class Pair implements AsyncDisposable {
  readonly peer: FramePeer;
  readonly rig: HostConnectionRig;
  readonly #sockets: ConnectedSockets;

  private constructor(sockets: ConnectedSockets) {
    this.#sockets = sockets;
    this.peer = new FramePeer(sockets.plugin, "plugin");
    this.rig = new HostConnectionRig(sockets.host);
  }

  /** The peer has sent its SETTINGS, which say nothing. */
  static async open(): Promise<Pair> {
    const pair = new Pair(await ConnectedSockets.open());
    pair.peer.send(frameType.settings, 0, 0, nothing);
    await until(() => pair.rig.told.includes("ready"), "the SETTINGS");
    return pair;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sockets[Symbol.asyncDispose]();
  }
}
