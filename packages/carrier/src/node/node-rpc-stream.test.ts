import { once } from "node:events";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import { expect, test } from "vitest";
import { ConnectedSockets, turns, until } from "@servehttp/testkit";
import { NodeRpcStream } from "./node-rpc-stream.js";
import { dedicatedMuxHeaders } from "../wire/rpc-paths.js";
import { RpcRecorder } from "../test-rig/rpc-recorder.js";

const requestFields = dedicatedMuxHeaders("http://localhost", undefined);

test("a message is written when it has gone, and one that the stream does not outlive never is", async () => {
  await using ends = await Ends.open();
  const written: string[] = [];
  ends.rpc.write([Buffer.from("a"), Buffer.from("b")], () => written.push("short"));
  await until(() => written.length === 1, "the short one");
  // More than the window of a host that reads nothing.
  ends.rpc.write([Buffer.alloc(1_000_000)], () => written.push("long"));
  ends.host.close(8);
  await until(() => ends.recorder.closings.length > 0, "the end");
  ends.rpc.write([Buffer.from("late")], () => written.push("late"));
  ends.rpc.end({ "grpc-status": "0" });
  ends.rpc.cancel();
  await turns(5);
  expect(written).toEqual(["short"]);
  expect(ends.recorder.closings.map((error) => error?.code)).toEqual(["connection-lost"]);
});

test("its trailers go behind everything written, and do not wait for a host that goes on", async () => {
  await using ends = await Ends.open();
  const trailers = once(ends.host, "trailers");
  let bytes = 0;
  ends.host.on("data", (octets: Buffer) => (bytes += octets.length));
  ends.rpc.write([Buffer.alloc(1_000_000)], () => undefined);
  ends.rpc.end({ "grpc-status": "7" });
  expect((await trailers)[0]).toMatchObject({ "grpc-status": "7" });
  expect(bytes).toBe(1_000_000);
  await until(() => ends.recorder.closings.length > 0, "the end");
  expect(ends.recorder.faults).toEqual([]);
});

/** A host on Node's HTTP/2, and the plugin's end of its RPC. */
class Ends implements AsyncDisposable {
  readonly host;
  readonly rpc: NodeRpcStream;
  readonly recorder = new RpcRecorder();
  readonly #opened: AsyncDisposableStack;

  private constructor(
    host: ReturnType<ReturnType<typeof connect>["request"]>,
    stream: ServerHttp2Stream,
    opened: AsyncDisposableStack,
  ) {
    this.host = host;
    this.rpc = new NodeRpcStream(stream);
    this.rpc.listen(this.recorder);
    this.#opened = opened;
  }

  static async open(): Promise<Ends> {
    await using opened = new AsyncDisposableStack();
    const sockets = opened.use(await ConnectedSockets.open());
    const server = createServer();
    const served = once(server, "stream");
    server.emit("connection", sockets.plugin);
    const session = opened.adopt(
      connect("http://localhost", { createConnection: () => sockets.host }),
      (one) => one.destroy(),
    );
    const host = session.request(requestFields);
    host.on("error", () => undefined);
    const [stream] = (await served) as [ServerHttp2Stream];
    return new Ends(host, stream, opened.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
