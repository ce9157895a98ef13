import { constants, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { plainEnd } from "@servehttp/contract";
import { turns, until } from "@servehttp/testkit";
import { afterEach, expect, test, vi } from "vitest";
import { idleConnectionMs, uploadConnectionsMax } from "../limits.js";
import { HostStreams } from "../test-rig/host-streams.js";
import { RawPlugin, responseMessageOf } from "../test-rig/raw-ends.js";
import { plainInit } from "../test-rig/wire.js";

const grpc = { ":status": 200, "content-type": "application/grpc" };
const whole = responseMessageOf({ init: { status: 200, headers: [] }, end: plainEnd });
const upload = { init: plainInit };
const bodyless = { init: plainInit, end: plainEnd };

afterEach(() => void vi.useRealTimers());

test("S1: uploads have a connection each where one could take its window, up to a bound; others find room beyond it", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream.pause()));
  const { carrier, warnings } = plugin.streams;
  for (let index = 0; index < uploadConnectionsMax; index += 1) {
    void plugin.streams.open().channel.send(upload);
  }
  await until(() => streams.length === uploadConnectionsMax, "all uploads");
  expect(carrier.connectionCount).toBe(uploadConnectionsMax);
  // Those beyond share, as long as a connection has window left.
  const more = plugin.streams.open();
  void more.channel.send(upload);
  void plugin.streams.open().channel.send(bodyless);
  await until(() => streams.length === uploadConnectionsMax + 2, "two more");
  expect(carrier.connectionCount).toBe(uploadConnectionsMax + 1);
  expect([warnings.length, more.response.aborted]).toEqual([1, undefined]);
});

test("it gathers what is to be sent until it is on its way", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream.resume()));
  const { carrier } = plugin.streams;
  void plugin.streams.open().channel.send(bodyless);
  expect(carrier.gathers).toBe(true);
  await until(() => streams.length === 1, "the exchange");
  expect(carrier.gathers).toBe(false);
});

test("a hijackable request that has no body claims no window until it is hijacked", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream));
  const hijackable = { ...plainInit, hijackable: true };
  for (let index = 0; index < 20; index += 1) {
    void plugin.streams.open().channel.send({ init: hijackable, end: plainEnd });
  }
  await until(() => streams.length === 20, "all exchanges");
  expect(plugin.streams.carrier.connectionCount).toBe(1);
  const upgrade = { ...hijackable, headers: ["Connection", "upgrade", "Upgrade", "websocket"] };
  for (let index = 0; index < 3; index += 1) {
    void plugin.streams.open().channel.send({ init: upgrade, end: plainEnd });
  }
  await until(() => streams.length === 23, "all upgrades");
  expect(plugin.streams.carrier.connectionCount).toBe(3);
});

test("a hijackable request that is answered ends its stream, and needs no reset", async () => {
  const codes: number[] = [];
  await using plugin = await RawPlugin.serve((stream) => {
    stream.on("close", () => codes.push(stream.rstCode));
    stream.resume();
    stream.respond(grpc);
    stream.end(whole);
  });
  const { channel, response } = plugin.streams.open();
  void channel.send({ init: { ...plainInit, hijackable: true }, end: plainEnd });
  await response.untilEnded();
  await until(() => codes.length === 1, "the stream's end");
  expect(codes).toEqual([constants.NGHTTP2_NO_ERROR]);
});

test("connections that nothing uses are closed but for one", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream));
  const uploads = Array.from({ length: 5 }, () => plugin.streams.open());
  for (const { channel } of uploads) {
    void channel.send(upload);
  }
  await until(() => streams.length === 5, "all uploads");
  for (const [index, { channel, response }] of uploads.entries()) {
    void channel.send({ end: plainEnd });
    streams[index]!.resume().respond(grpc);
    streams[index]!.end(whole);
    await response.untilEnded();
  }
  await until(() => plugin.streams.carrier.streamCount === 0, "all streams are over");
  expect(plugin.streams.carrier.connectionCount).toBe(5);
  vi.advanceTimersByTime(idleConnectionMs);
  await until(() => plugin.streams.carrier.connectionCount === 1, "the others are closed");
});

test("exchanges on a connection that can't be made were never begun, and the carrier is lost", async () => {
  const plugin = new HostStreams("/nowhere/at/all");
  const { channel, response } = plugin.open();
  void channel.send(bodyless);
  expect((await response.untilAborted()).code).toBe("unavailable");
  expect((await plugin.carrier.lost).code).toBe("unavailable");
});

test("S3: a server that lets nobody connect any more is going, and what runs goes on", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream));
  let { path } = plugin;
  using host = new HostStreams(path, { connect: () => connect({ path }) });
  const running = host.open();
  void running.channel.send(upload);
  await until(() => streams.length === 1, "the first upload");
  path = "/nowhere/at/all";
  const next = host.open();
  void next.channel.send(upload);
  expect((await host.carrier.lost).code).toBe("plugin-closing");
  expect((await next.response.untilAborted()).code).toBe("unavailable");
  expect(host.warnings).toEqual([]);
  void running.channel.send({ end: plainEnd });
  streams[0]!.resume().respond(grpc);
  streams[0]!.end(whole);
  await running.response.untilEnded();
});

test("an exchange that is given up before anything of it was sent opens no stream", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using plugin = await RawPlugin.serve((stream) => void streams.push(stream));
  const { channel } = plugin.streams.open();
  void channel.send(bodyless);
  await plugin.streams.carrier.close("now");
  await turns(20);
  expect([streams, plugin.streams.carrier.connectionCount]).toEqual([[], 0]);
});
