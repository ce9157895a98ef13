import { once } from "node:events";
import { connect, createServer } from "node:net";
import { plainEnd, type ResponseParts, type ServeHTTPError } from "@servehttp/contract";
import { FramePeer, TemporaryDirectory, turns, until } from "@servehttp/testkit";
import { expect, test, vi } from "vitest";
import { DedicatedConnection } from "./http2/dedicated-connection.js";
import { errorCode, frameFlag, frameType, goawayFrame } from "./http2/frames.js";
import { encodeFields } from "./http2/hpack.js";
import { steadyConnectionMs } from "./limits.js";
import { MuxConnections } from "./mux-connections.js";
import { muxResponseOf } from "./test-rig/raw-ends.js";
import { Recorder } from "./test-rig/recorder.js";
import { plainInit } from "./test-rig/wire.js";
import { dedicatedMuxHeaders } from "./wire/rpc-paths.js";

const head = encodeFields({ ":status": "200", "content-type": "application/grpc" });
const going = goawayFrame(1, errorCode.noError);

test("S3: what runs on a mux RPC that takes no more ends there, and what comes goes to another", async () => {
  await using rig = await MuxRig.open();
  const begun = rig.send();
  await until(() => rig.peers[0]!.data.length > 0, "the first exchange");
  rig.nowMs = steadyConnectionMs;
  rig.peers[0]!.socket.write(going);
  await until(() => rig.peers.length === 2, "the second RPC");
  const next = rig.send();
  await until(() => rig.peers[1]!.data.length > 0, "the second exchange");
  rig.answer(1);
  await next.untilEnded();
  expect(begun.aborted).toBeUndefined();
  rig.answer(0);
  await begun.untilEnded();
  const ends = frameFlag.endHeaders | frameFlag.endStream;
  rig.peers[0]!.send(frameType.headers, ends, 1, encodeFields({ "grpc-status": "0" }));
  await until(() => rig.peers[0]!.ended, "the end of the first RPC");
  await turns(2);
  expect([rig.peers[1]!.ended, rig.lost.mock.calls]).toEqual([false, []]);
});

test("a mux RPC that takes no more as soon as it has begun is lost", async () => {
  await using rig = await MuxRig.open();
  rig.nowMs = steadyConnectionMs - 1;
  rig.peers[0]!.socket.write(going);
  await until(() => rig.lost.mock.calls.length > 0, "the loss");
  expect(rig.lost).toHaveBeenCalledWith(expect.objectContaining({ code: "plugin-closing" }));
  expect(rig.peers).toHaveLength(1);
});

test("a plugin that takes no more, and no other RPC, is closing; exchanges meanwhile were never begun", async () => {
  await using rig = await MuxRig.open();
  rig.nowMs = steadyConnectionMs;
  rig.stopListening();
  const late = Promise.withResolvers<Recorder<ResponseParts>>();
  rig.onBegun = () => late.resolve(rig.send());
  rig.peers[0]!.socket.write(going);
  const exchange = await late.promise;
  expect((await exchange.untilAborted()).code).toBe("unavailable");
  expect(exchange.unsent).toEqual([{ init: plainInit, end: plainEnd }]);
  await until(() => rig.lost.mock.calls.length > 0, "the loss");
  expect(rig.lost).toHaveBeenCalledWith(expect.objectContaining({ code: "plugin-closing" }));
});

test("a mux RPC that breaks is lost with what runs on it", async () => {
  await using rig = await MuxRig.open();
  const exchange = rig.send();
  await until(() => rig.peers[0]!.data.length > 0, "the exchange");
  rig.nowMs = steadyConnectionMs;
  rig.peers[0]!.socket.write(goawayFrame(1, errorCode.enhanceYourCalm));
  expect((await exchange.untilAborted()).code).toBe("connection-lost");
  await until(() => rig.lost.mock.calls.length > 0, "the loss");
  expect(rig.lost).toHaveBeenCalledWith(expect.objectContaining({ code: "connection-lost" }));
  expect(() => rig.send()).toThrow("closing");
});

test("closing at once ends what runs, and resolves when all is closed", async () => {
  await using rig = await MuxRig.open();
  const exchange = rig.send();
  await until(() => rig.peers[0]!.data.length > 0, "the exchange");
  await rig.muxes.close("now");
  expect((await exchange.untilAborted()).code).toBe("connection-lost");
  await until(() => rig.peers[0]!.ended, "the connection's end");
});

/** The mux carrier of a host at a plugin of bare frames. */
class MuxRig implements AsyncDisposable {
  readonly muxes: MuxConnections;
  readonly peers: FramePeer[];
  readonly lost = vi.fn<(reason: ServeHTTPError) => void>();
  readonly stopListening: () => void;
  /** Called behind the beginning of each RPC. */
  onBegun: (() => void) | undefined;
  nowMs = 0;
  readonly #opened: AsyncDisposableStack;

  private constructor(
    path: string,
    peers: FramePeer[],
    stopListening: () => void,
    opened: AsyncDisposableStack,
  ) {
    this.peers = peers;
    this.stopListening = stopListening;
    this.#opened = opened;
    const begin = () => {
      queueMicrotask(() => this.onBegun?.());
      const fields = dedicatedMuxHeaders("http://localhost", undefined);
      return DedicatedConnection.open(connect({ path }), fields);
    };
    this.muxes = new MuxConnections(begin(), begin, () => this.nowMs);
    void this.muxes.lost.then(this.lost);
  }

  static async open(): Promise<MuxRig> {
    await using opened = new AsyncDisposableStack();
    const path = opened.use(await TemporaryDirectory.make()).socketPath;
    const peers: FramePeer[] = [];
    const server = createServer((socket) => {
      const peer = new FramePeer(socket, "plugin");
      peer.send(frameType.headers, frameFlag.endHeaders, 1, head);
      peer.send(frameType.data, 0, 1, muxResponseOf({}));
      peers.push(peer);
    });
    await once(server.listen(path), "listening");
    opened.defer(() => void server.close());
    opened.defer(() => {
      for (const { socket } of peers) {
        socket.destroy();
      }
    });
    const rig = new MuxRig(path, peers, () => void server.close(), opened.move());
    await until(() => peers.length === 1, "the first RPC");
    return rig;
  }

  /** Opens an exchange and sends its request. */
  send(): Recorder<ResponseParts> {
    const response = new Recorder<ResponseParts>();
    void this.muxes.open(response).send({ init: plainInit, end: plainEnd });
    return response;
  }

  /** Answers the one exchange of an RPC. */
  answer(index: number): void {
    const peer = this.peers[index]!;
    const parts = { init: { status: 200 }, end: {} };
    peer.send(frameType.data, 0, 1, muxResponseOf({ frames: [{ exchangeId: 1n, parts }] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    void this.muxes.close("now");
    await this.#opened.disposeAsync();
  }
}
