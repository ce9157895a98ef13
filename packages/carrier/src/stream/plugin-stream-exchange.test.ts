import { type ErrorCode, plainEnd, type ResponseParts, ServeHTTPError } from "@servehttp/contract";
import { afterEach, expect, test, vi } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { serveHTTPPath } from "../wire/rpc-paths.js";
import {
  framed,
  RawHostStream,
  requestMessageOf,
  responseMessageOf,
} from "../test-rig/raw-ends.js";
import { okHead, type PluginEnd, plainInit, Wire } from "../test-rig/wire.js";

const whole: ResponseParts = { init: okHead!, end: plainEnd };

afterEach(() => {
  vi.useRealTimers();
});

test("a whole exchange is one message each way, a status of 0 and nothing left open", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel, request }) => {
    request.onParts = () => void channel.send({ ...whole });
  };
  const host = new RawHostStream(wire.session, serveHTTPPath);
  host.stream.end(requestMessageOf({ init: plainInit, end: plainEnd }));
  await until(() => host.closed, "the stream closed");
  expect(Buffer.concat(host.chunks)).toEqual(ourOctets(whole));
  expect(host.status).toBe("0");
  expect(host.headers["content-type"]).toBe("application/grpc+proto");
  expect(host.headers.date).toBeUndefined();
  expect(wire.plugin[0]!.request.parts).toHaveLength(1);
  expect(wire.plugin[0]!.request.aborted).toBeUndefined();
});

test("trap 2: a request that stops without its end is aborted, at whatever point it stops", async () => {
  const octets = Buffer.concat([
    requestMessageOf({ init: plainInit }),
    requestMessageOf({ chunk: Buffer.from("abc") }),
  ]);
  await using wire = await Wire.open();
  for (const [index, length] of [0, 3, 20, octets.length - 1, octets.length].entries()) {
    const host = new RawHostStream(wire.session, serveHTTPPath);
    host.stream.end(octets.subarray(0, length));
    const { request } = await wire.pluginEnd(index);
    expect((await request.untilAborted()).code).toBe("client-disconnected");
    await until(() => host.closed, "the stream closed");
  }
  expect(wire.faults).toEqual([]);
});

test("traps 2 and 9: a cancelled RPC is aborted at every point, for the reason that its code stands for", async () => {
  await using wire = await Wire.open();
  // The end that Node sends in front of a reset may come long before it on a busy machine.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const octets = Buffer.concat([
    requestMessageOf({ init: plainInit }),
    requestMessageOf({ chunk: Buffer.from("abc") }),
    requestMessageOf({ end: plainEnd }),
  ]);
  let index = 0;
  for (const length of [3, octets.length - 7, octets.length]) {
    for (const [code, reason] of [
      [1, "protocol-violation"],
      [2, "host-stopping"],
      [7, "client-disconnected"],
      [8, "client-disconnected"],
      [11, "deadline"],
    ] as const) {
      const host = new RawHostStream(wire.session, serveHTTPPath);
      host.stream.write(octets.subarray(0, length));
      const { request } = await wire.pluginEnd(index);
      index += 1;
      host.stream.close(code);
      expect([length, code, (await request.untilAborted()).code]).toEqual([length, code, reason]);
    }
  }
  await turns(5);
  expect(wire.faults).toEqual([]);
});

test("the abort comes while the handler still holds what it was given, and nothing comes behind it", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const host = new RawHostStream(wire.session, serveHTTPPath);
  host.stream.write(requestMessageOf({ init: plainInit }));
  host.stream.write(requestMessageOf({ chunk: Buffer.alloc(60_000) }));
  const { request } = await wire.pluginEnd(0);
  await until(() => request.holding, "the head");
  host.stream.close(8);
  expect((await request.untilAborted()).code).toBe("client-disconnected");
  expect(request.holding).toBe(true);
  request.release();
  await turns(10);
  expect(request.parts).toHaveLength(1);
  expect(request.faults).toEqual([]);
});

test("trap 3: a request that is there in full, its stream ended, is taken in full and at leisure", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  const host = new RawHostStream(wire.session, serveHTTPPath);
  host.stream.end(
    Buffer.concat([
      requestMessageOf({ init: plainInit }),
      requestMessageOf({ chunk: Buffer.from("a") }),
      requestMessageOf({ chunk: Buffer.from("b") }),
      requestMessageOf({ end: plainEnd }),
    ]),
  );
  const { request, channel } = await wire.pluginEnd(0);
  for (let parts = 1; parts <= 4; parts += 1) {
    await until(() => request.parts.length === parts, "the next parts");
    await turns(20);
    expect(request.parts).toHaveLength(parts);
    request.takeOne();
  }
  expect(request.body.toString()).toBe("ab");
  expect(request.aborted).toBeUndefined();
  void channel.send({ ...whole });
  await until(() => host.closed, "the stream closed");
  expect(host.status).toBe("0");
});

test("the loss of the connection is the host's, not a client's", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ request }) => request.hold();
  for (let index = 0; index < 5; index += 1) {
    void wire.openStream().channel.send({ init: plainInit });
  }
  await until(() => wire.plugin.length === 5, "all exchanges");
  wire.streams.cut();
  for (const { request } of wire.plugin) {
    expect((await request.untilAborted()).code).toBe("host-stopping");
  }
  expect(wire.faults).toEqual([]);
});

test("a client who leaves while the plugin drains is still a client who left", async () => {
  await using wire = await Wire.open();
  const { channel } = wire.openStream();
  void channel.send({ init: plainInit });
  const other = wire.openStream();
  void other.channel.send({ init: plainInit });
  const { request } = await wire.pluginEnd(0);
  const { channel: answer } = await wire.pluginEnd(1);
  const drained = wire.server.drain();
  channel.reset(new ServeHTTPError("client-disconnected", "the client left"));
  expect((await request.untilAborted()).code).toBe("client-disconnected");
  void answer.send({ ...whole });
  await other.response.untilEnded();
  await drained;
});

test("malformed messages and parts out of order end the RPC with INVALID_ARGUMENT, and only that one", async () => {
  const bad = [
    framed(Buffer.from([0x12, 0x00]), 1),
    Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
    framed(Buffer.from([0x0b])),
    framed(Buffer.alloc(0)),
    requestMessageOf({ chunk: Buffer.from("before the head") }),
    Buffer.concat([requestMessageOf({ init: plainInit }), requestMessageOf({ init: plainInit })]),
    requestMessageOf({ init: plainInit, end: plainEnd, tunnelChunk: Buffer.from("a") }),
  ];
  await using wire = await Wire.open();
  const neighbour = wire.openStream();
  void neighbour.channel.send({ init: plainInit });
  const { channel } = await wire.pluginEnd(0);
  for (const [index, octets] of bad.entries()) {
    const host = new RawHostStream(wire.session, serveHTTPPath);
    host.stream.write(octets);
    const { request } = await wire.pluginEnd(index + 1);
    expect((await request.untilAborted()).code).toBe("protocol-violation");
    await until(() => host.status !== undefined, "a status");
    expect([index, host.status]).toEqual([index, "3"]);
    host.stream.close();
  }
  void channel.send({ ...whole });
  await neighbour.response.untilEnded();
  expect(wire.faults).toEqual([]);
});

test("a reset of the plugin's reaches the host with its meaning, and with nothing of its message", async () => {
  const codes: [ErrorCode, ErrorCode][] = [
    ["handler-failed", "handler-failed"],
    ["internal", "handler-failed"],
    ["plugin-closing", "plugin-closing"],
  ];
  const points: [string, (end: PluginEnd) => unknown][] = [
    ["before the head", () => undefined],
    ["behind the head", ({ channel }) => channel.send({ init: okHead!, chunk: Buffer.from("a") })],
  ];
  await using wire = await Wire.open();
  let index = 0;
  for (const [sent, received] of codes) {
    for (const [point, begin] of points) {
      const { channel, response } = wire.openStream();
      void channel.send({ init: plainInit });
      const end = await wire.pluginEnd(index);
      index += 1;
      begin(end);
      await until(() => response.parts.length === (point === "before the head" ? 0 : 1), "parts");
      await turns(3);
      end.channel.reset(new ServeHTTPError(sent, "the password is 1234"));
      const error = await response.untilAborted();
      expect([sent, point, error.code]).toEqual([sent, point, received]);
      expect(error.message).not.toContain("1234");
      expect(response.faults).toEqual([]);
      expect(end.request.aborted).toBeUndefined();
    }
  }
});

test("a handler that fails with bytes still on the way fails at the host as well", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  response.hold();
  void channel.send({ init: plainInit });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ init: okHead! });
  for (let sent = 0; sent < 40; sent += 1) {
    void end.channel.send({ chunk: Buffer.alloc(65_536) });
  }
  end.channel.reset(new ServeHTTPError("handler-failed", "secret"));
  expect((await response.untilAborted()).code).toBe("handler-failed");
  response.release();
  await turns(5);
  expect(response.ended).toBe(false);
  expect(response.faults).toEqual([]);
});

test("P13: a host that does not take the response makes the handler wait, with little in between", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  response.hold();
  void channel.send({ init: plainInit, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ init: okHead! });
  const { sentBytes, room } = await stall(end);
  expect(sentBytes).toBeLessThan(2_000_000);
  response.release();
  await room;
  void end.channel.send({ end: plainEnd });
  await response.untilEnded();
  expect(response.bytes).toBe(sentBytes);
  expect(response.faults).toEqual([]);
});

test("a handler that waits for room is let go when the host gives up, also behind its last bytes", async () => {
  await using wire = await Wire.open();
  for (const [index, last] of [false, true].entries()) {
    const { channel, response } = wire.openStream();
    response.hold();
    void channel.send({ init: plainInit, end: plainEnd });
    const end = await wire.pluginEnd(index);
    void end.channel.send({ init: okHead! });
    const { room: first } = await stall(end);
    const room = last ? end.channel.send({ chunk: Buffer.alloc(65_536), end: plainEnd }) : first;
    channel.reset(new ServeHTTPError("client-disconnected", "the client left"));
    await expect(room).rejects.toMatchObject({ code: "client-disconnected" });
  }
  expect(wire.faults).toEqual([]);
});

test("nothing is sent behind the end or behind a reset", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPPath);
  host.stream.end(requestMessageOf({ init: plainInit, end: plainEnd }));
  const { channel } = await wire.pluginEnd(0);
  void channel.send({ ...whole });
  void channel.send({ chunk: Buffer.from("late") });
  channel.reset(new ServeHTTPError("handler-failed", "late"));
  await until(() => host.closed, "the stream closed");
  expect(Buffer.concat(host.chunks)).toEqual(ourOctets(whole));
  expect(host.status).toBe("0");
});

test("trap 1: a host that keeps its way open behind the response is cut off after a while, not at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPPath);
  host.stream.write(requestMessageOf({ init: plainInit }));
  const { channel } = await wire.pluginEnd(0);
  void channel.send({ ...whole });
  await until(() => host.status === "0", "the response");
  await turns(20);
  expect(host.closed).toBe(false);
  vi.advanceTimersByTime(10_000);
  await until(() => host.closed, "the stream closed");
  expect(vi.getTimerCount()).toBe(0);
});

test("a tunnel goes both ways, and each way ends by itself", async () => {
  await using wire = await Wire.open();
  for (const [index, first] of (["plugin", "host"] as const).entries()) {
    const { channel, response } = wire.openStream();
    void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
    const end = await wire.pluginEnd(index);
    void end.channel.send({ hijack: true, tunnelChunk: Buffer.from("hello") });
    await until(() => response.bytes === 5, "the plugin's bytes");
    void channel.send({ tunnelChunk: Buffer.from("world") });
    await until(() => end.request.bytes === 5, "the host's bytes");
    const finish = {
      plugin: () => end.channel.send({ tunnelChunk: Buffer.from("!"), tunnelEnd: true }),
      host: () => channel.send({ tunnelChunk: Buffer.from("!"), tunnelEnd: true }),
    };
    const ended = {
      plugin: () => response.tunnelEnded,
      host: () => end.request.tunnelEnded,
    };
    const second = first === "plugin" ? "host" : "plugin";
    void finish[first]();
    await until(ended[first], `the end of the ${first}'s way`);
    await turns(10);
    expect([response.aborted, end.request.aborted]).toEqual([undefined, undefined]);
    void finish[second]();
    await until(ended[second], `the end of the ${second}'s way`);
    await until(() => wire.openStreams === 0, "the stream closed");
    expect([response.aborted, end.request.aborted]).toEqual([undefined, undefined]);
    expect([response.body.toString(), end.request.body.toString()]).toEqual(["hello!", "world!"]);
  }
  expect(wire.faults).toEqual([]);
});

test("T6: a plugin that closes its tunnel leaves what it wrote to the host, and takes no more", async () => {
  await using wire = await Wire.open();
  for (const [index, holds] of [false, true].entries()) {
    const { channel, response } = wire.openStream();
    void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
    const end = await wire.pluginEnd(index);
    void end.channel.send({ hijack: true });
    await until(() => response.parts.length === 1, "the hijack");
    if (holds) {
      response.hold();
    }
    for (let sent = 0; sent < 40; sent += 1) {
      void end.channel.send({ tunnelChunk: Buffer.alloc(65_536, sent) });
    }
    void end.channel.send({ tunnelEnd: true });
    end.channel.reset(new ServeHTTPError("request-not-needed", "closed"));
    await turns(20);
    response.release();
    expect((await response.untilAborted()).code).toBe("request-not-needed");
    expect([response.bytes, response.tunnelEnded]).toEqual([40 * 65_536, true]);
    expect([response.faults, end.request.aborted]).toEqual([[], undefined]);
  }
  await until(() => wire.openStreams === 0, "the streams closed");
});

test("a tunnel of which one way has ended is aborted at both ends when its connection is lost", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ hijack: true, tunnelEnd: true });
  await until(() => response.tunnelEnded, "the end of the plugin's way");
  wire.streams.cut();
  expect((await response.untilAborted()).code).toBe("connection-lost");
  expect((await end.request.untilAborted()).code).toBe("host-stopping");
  expect([...response.faults, ...wire.faults]).toEqual([]);
});

test("a request that may become a tunnel, and does not, leaves nothing open", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ ...whole });
  await response.untilEnded();
  await until(() => wire.openStreams === 0, "the stream closed");
  await wire.streams.carrier.close("drained");
  await wire.server.drain();
  expect(end.request.aborted).toBeUndefined();
});

test("parts of one turn travel as one message; parts that do not merge stay apart and in order", async () => {
  await using wire = await Wire.open();
  const { channel, response } = wire.openStream();
  void channel.send({ init: plainInit, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ informational: [{ status: 103, headers: [] }] });
  void end.channel.send({ init: okHead! });
  void end.channel.send({ chunk: Buffer.from("a") });
  void end.channel.send({ flush: true });
  void end.channel.send({ chunk: Buffer.from("b") });
  void end.channel.send({ end: plainEnd });
  await response.untilEnded();
  const shapes = response.parts.map((parts) => Object.keys(parts).join(" "));
  expect(shapes).toEqual(["informational", "init chunk flush", "chunk end"]);
});

/** As our own codec writes it: with padded lengths. Compared by what is read of it elsewhere. */
function ourOctets(parts: ResponseParts): unknown {
  const plain = responseMessageOf(parts);
  return expect.toSatisfy((octets: Buffer) => octets.length >= plain.length && octets[0] === 0);
}

async function stall({ channel }: PluginEnd): Promise<{ room: Promise<void>; sentBytes: number }> {
  for (let sentBytes = 65_536; ; sentBytes += 65_536) {
    const room = channel.send({ chunk: Buffer.alloc(65_536) });
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
      return { room, sentBytes };
    }
  }
}
