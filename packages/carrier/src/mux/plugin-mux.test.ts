import { randomBytes } from "node:crypto";
import {
  muxMessageBytesMax,
  muxWindowBytes,
  plainEnd,
  type RequestParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { expect, test } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { ResetCode } from "../../../contract/src/gen/servehttp/v1/exchange_pb.js";
import { networkLimits } from "../node/http2-settings.js";
import { serveHTTPMuxPath } from "../wire/rpc-paths.js";
import { requestMessage } from "../test-rig/generated-codec.js";
import { framed, muxRequestOf, muxResponsesIn, RawHostStream } from "../test-rig/raw-ends.js";
import { okHead, openOn, plainInit, Wire } from "../test-rig/wire.js";

const whole = { init: okHead!, end: plainEnd };

test("trap 11: the hello comes at once, before any exchange", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  await until(() => host.chunks.length > 0, "the hello");
  const [hello] = responses(host);
  expect([hello!.frames, hello!.draining]).toEqual([[], false]);
  expect(host.headers["content-type"]).toBe("application/grpc+proto");
});

test("ids may leave gaps; what has an id below the highest and is not open is late, and ignored", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  host.stream.write(
    muxRequestOf(
      { exchangeId: 5n, parts: parts({ init: plainInit }) },
      { exchangeId: 3n, parts: parts({ init: plainInit }) },
      { exchangeId: 4n, creditBytes: 16_777_216 },
      { exchangeId: 2n, reset: {} },
      { exchangeId: 9_007_199_254_740_991n, parts: parts({ init: plainInit }) },
    ),
  );
  await wire.pluginEnd(1);
  await turns(10);
  expect(wire.plugin).toHaveLength(2);
  expect(wire.plugin.map(({ request }) => request.aborted)).toEqual([undefined, undefined]);
  expect(host.status).toBeUndefined();
});

test("exchanges over the limit of a connection are refused alone, and no handler sees them", async () => {
  await using wire = await Wire.open({ limits: { ...networkLimits, exchangesMax: 2 } });
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  const open = (exchangeId: bigint) => ({ exchangeId, parts: parts({ init: plainInit }) });
  host.stream.write(muxRequestOf(open(1n), open(2n), open(3n), open(4n)));
  const { channel } = await wire.pluginEnd(1);
  const resets = () =>
    responses(host).flatMap(({ frames }) =>
      frames.flatMap(({ exchangeId, reset }) =>
        reset === undefined ? [] : [exchangeId, reset.code],
      ),
    );
  await until(() => resets().length === 4, "two resets");
  expect(resets()).toEqual([3n, ResetCode.OVERLOAD, 4n, ResetCode.OVERLOAD]);
  host.stream.write(muxRequestOf({ exchangeId: 3n, parts: parts({ chunk: Buffer.from("late") }) }));
  void channel.send({ ...whole });
  await until(
    () => responses(host).some(({ frames }) => frames.some((frame) => frame.parts?.end)),
    "an answer",
  );
  host.stream.write(muxRequestOf(open(5n)));
  await wire.pluginEnd(2);
  expect([wire.plugin.length, host.status]).toEqual([3, undefined]);
});

test("an exchange that the host gives up in its first frame is not one", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  host.stream.write(
    muxRequestOf(
      { exchangeId: 1n, reset: {} },
      { exchangeId: 2n, parts: parts({ init: plainInit }) },
    ),
  );
  await wire.pluginEnd(0);
  await turns(5);
  expect(wire.plugin).toHaveLength(1);
});

test("U5: a violation of ids, credit or framing ends the RPC with a status, and aborts what is open", async () => {
  const init = { exchangeId: 1n, parts: parts({ init: plainInit }) };
  const violations: [string, Buffer][] = [
    ["an unknown id", muxRequestOf({ exchangeId: 7n, creditBytes: 1 })],
    ["an empty frame of an unknown id", muxRequestOf({ exchangeId: 7n })],
    ["no id", muxRequestOf({ parts: parts({ init: plainInit }) })],
    ["an id beyond 2^53 - 1", muxRequestOf({ ...init, exchangeId: 2n ** 53n })],
    [
      "bytes beyond the credit",
      muxRequestOf(
        ...Array.from({ length: muxWindowBytes / 65_536 + 1 }, () => ({
          exchangeId: 1n,
          parts: parts({ chunk: Buffer.alloc(65_536) }),
        })),
      ),
    ],
    ["more credit than may be open", muxRequestOf({ exchangeId: 1n, creditBytes: 16_777_216 })],
    ["a compressed message", framed(Buffer.alloc(0), 1)],
    ["a message that is too long", framed(Buffer.alloc(muxMessageBytesMax + 1)).subarray(0, 100)],
    ["no protobuf", framed(Buffer.from([0x0b]))],
    ["no protobuf in the parts", framed(Buffer.from([0x0a, 6, 0x08, 1, 0x12, 2, 0x0b, 0]))],
  ];
  await using wire = await Wire.open();
  // Its exchanges, on another RPC, go on.
  const neighbour = openOn(await wire.openMux());
  void neighbour.channel.send({ init: plainInit });
  const { channel } = await wire.pluginEnd(0);
  wire.onAccept = ({ request }) => request.hold();
  for (const [index, [name, octets]] of violations.entries()) {
    const host = new RawHostStream(wire.session, serveHTTPMuxPath);
    host.stream.write(muxRequestOf(init));
    const { request } = await wire.pluginEnd(index + 1);
    host.stream.write(octets);
    expect([name, (await request.untilAborted()).code]).toEqual([name, "protocol-violation"]);
    await until(() => host.status !== undefined, `${name}: a status`);
    expect([name, host.status]).toEqual([name, "3"]);
    await until(() => host.closed, `${name}: the RPC closed, though the host's way was open`);
  }
  void channel.send({ ...whole });
  await neighbour.response.untilEnded();
  expect(wire.faults).toEqual([]);
});

test("U5: parts out of order reset that exchange alone", async () => {
  const disordered: RequestParts[] = [
    { chunk: Buffer.from("before the head") },
    { init: plainInit, tunnelChunk: Buffer.from("a") },
    { init: plainInit, chunk: Buffer.alloc(65_537) },
    { chunk: Buffer.alloc(200_000) },
    {},
  ];
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  for (const [index, bad] of disordered.entries()) {
    host.stream.write(muxRequestOf({ exchangeId: BigInt(index + 1), parts: parts(bad) }));
    const { request } = await wire.pluginEnd(index);
    expect((await request.untilAborted()).code).toBe("protocol-violation");
  }
  host.stream.write(
    muxRequestOf({ exchangeId: 99n, parts: parts({ init: plainInit, end: plainEnd }) }),
  );
  const good = await wire.pluginEnd(disordered.length);
  await good.request.untilEnded();
  void good.channel.send({ ...whole });
  const frames = () => responses(host).flatMap((batch) => batch.frames);
  await until(() => frames().some(({ parts: sent }) => sent?.end !== undefined), "the answer");
  const resets = frames().filter(({ reset }) => reset !== undefined);
  expect(resets.map(({ exchangeId, reset }) => [exchangeId, reset!.code])).toEqual(
    disordered.map((_, index) => [BigInt(index + 1), 6]),
  );
  expect(host.status).toBeUndefined();
  expect(wire.faults).toEqual([]);
});

test("when the host ends its way without having ended its exchanges, they are cut off", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  host.stream.end(muxRequestOf({ exchangeId: 1n, parts: parts({ init: plainInit }) }));
  const { request } = await wire.pluginEnd(0);
  expect((await request.untilAborted()).code).toBe("host-stopping");
  await until(() => host.closed, "the RPC closed");
  expect(host.status).toBe("0");
});

test("an RPC that the host cancels aborts what is open on it as the host's end", async () => {
  await using wire = await Wire.open();
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  host.stream.write(muxRequestOf({ exchangeId: 1n, parts: parts({ init: plainInit }) }));
  const { request } = await wire.pluginEnd(0);
  host.stream.close(8);
  expect((await request.untilAborted()).code).toBe("host-stopping");
  expect(wire.faults).toEqual([]);
});

test("draining is said once, and what the host opens before it hears of it is served", async () => {
  await using wire = await Wire.open();
  wire.onAccept = ({ channel, request }) => {
    request.onParts = () => void channel.send({ ...whole });
  };
  const host = new RawHostStream(wire.session, serveHTTPMuxPath);
  await until(() => host.chunks.length > 0, "the hello");
  const draining = Promise.all([wire.server.drain(), wire.server.drain()]);
  await until(() => responses(host).some((batch) => batch.draining), "draining");
  await turns(10);
  expect(host.status).toBeUndefined();
  host.stream.write(
    muxRequestOf({ exchangeId: 1n, parts: parts({ init: plainInit, end: plainEnd }) }),
  );
  await until(() => responses(host).some(({ frames }) => frames.length > 0), "the answer");
  host.stream.end();
  await draining;
  const batches = responses(host);
  expect(batches.filter((batch) => batch.draining)).toHaveLength(1);
  expect(batches.flatMap(({ frames }) => frames.map(({ exchangeId }) => exchangeId))).toEqual([1n]);
});

test("the reset of a handler goes before what waits of other exchanges, and is the last of its own", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const { channel, response } = openOn(mux);
  void channel.send({ init: plainInit, end: plainEnd });
  const end = await wire.pluginEnd(0);
  void end.channel.send({ init: okHead! });
  for (let sent = 0; sent < 8; sent += 1) {
    void end.channel.send({ chunk: Buffer.alloc(65_536) });
  }
  end.channel.reset(new ServeHTTPError("handler-failed", "secret"));
  void end.channel.send({ chunk: Buffer.alloc(10) });
  expect((await response.untilAborted()).code).toBe("handler-failed");
  await turns(10);
  expect([response.faults, mux.exchangeCount]).toEqual([[], 0]);
});

test("a tunnel goes both ways, and each way ends by itself", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  for (const [index, first] of (["plugin", "host"] as const).entries()) {
    const { channel, response } = openOn(mux);
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
    const ended = { plugin: () => response.tunnelEnded, host: () => end.request.tunnelEnded };
    const second = first === "plugin" ? "host" : "plugin";
    void finish[first]();
    await until(ended[first], `the end of the ${first}'s way`);
    await turns(5);
    expect(mux.exchangeCount).toBe(1);
    void finish[second]();
    await until(ended[second], `the end of the ${second}'s way`);
    await until(() => mux.exchangeCount === 0, "the exchange is over");
    expect([response.aborted, end.request.aborted]).toEqual([undefined, undefined]);
    expect([response.body.toString(), end.request.body.toString()]).toEqual(["hello!", "world!"]);
  }
  await Promise.all([wire.server.drain(), mux.lost]);
  expect(wire.faults).toEqual([]);
});

test("T6: a plugin that has ended its way of a tunnel still gets all that the client sends, however slowly it takes it", async () => {
  await using wire = await Wire.open();
  const mux = await wire.openMux();
  const { channel, response } = openOn(mux);
  void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
  const plugin = await wire.pluginEnd(0);
  plugin.request.hold();
  void plugin.channel.send({ hijack: true, tunnelEnd: true });
  await until(() => response.tunnelEnded, "the end of the plugin's way");
  void channel.send({ tunnelChunk: Buffer.from("taken at once, ") });
  await until(() => plugin.request.holding, "the first bytes");
  void channel.send({ tunnelChunk: Buffer.from("and what waits") });
  void channel.send({ tunnelEnd: true });
  await until(() => mux.exchangeCount === 0, "the exchange is over at the host");
  await turns(5);
  plugin.request.release();
  await until(() => plugin.request.tunnelEnded, "the end of the client's way");
  expect(plugin.request.body.toString()).toBe("taken at once, and what waits");
  expect([plugin.request.aborted, response.aborted]).toEqual([undefined, undefined]);
  expect(wire.faults).toEqual([]);
});

function parts(of: RequestParts) {
  return requestMessage(of, false);
}

function responses(host: RawHostStream) {
  return muxResponsesIn(Buffer.concat(host.chunks));
}

test("what was written to a tunnel arrives in full where its plugin closes it while bytes wait for credit", async () => {
  await using wire = await Wire.open();
  const { channel, response } = openOn(await wire.openMux());
  response.hold();
  void channel.send({ init: { ...plainInit, contentLength: 0, hijackable: true }, end: plainEnd });
  const plugin = await wire.pluginEnd(0);
  const written = randomBytes(3 * muxWindowBytes);
  void plugin.channel.send({ hijack: true });
  for (let at = 0; at < written.length; at += 65_536) {
    void plugin.channel.send({ tunnelChunk: written.subarray(at, at + 65_536) });
  }
  void plugin.channel.send({ tunnelEnd: true });
  plugin.channel.reset(new ServeHTTPError("request-not-needed", "closed"));
  await until(() => response.holding, "the hijack");
  await turns(5);
  response.release();
  expect((await response.untilAborted()).code).toBe("request-not-needed");
  expect(response.tunnelEnded).toBe(true);
  expect(response.body.equals(written)).toBe(true);
});
