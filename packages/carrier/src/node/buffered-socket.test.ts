import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { BufferedSocket } from "./buffered-socket.js";

/** More than a unix socket holds, in one write and in many. */
const sizeBytes = 4 * 1_048_576;

test("takes every write at once from a peer that does not read, and reads meanwhile", async () => {
  await using pair = await Pair.open();
  const octets = Buffer.alloc(sizeBytes, "0123456789abcdef");
  pair.unblocked.write(octets.subarray(0, sizeBytes / 2));
  pair.unblocked.cork();
  for (let at = sizeBytes / 2; at < sizeBytes; at += 1_000) {
    pair.unblocked.write(octets.subarray(at, at + 1_000));
  }
  pair.unblocked.uncork();
  await until(() => pair.unblocked.writableLength === 0, "all was taken");
  expect(pair.socket.writableLength).toBeGreaterThan(0);
  pair.peer.write("still heard");
  expect(String(await once(pair.unblocked, "data"))).toBe("still heard");

  pair.unblocked.end();
  const hash = createHash("sha256");
  for await (const chunk of pair.peer) {
    hash.update(chunk as Buffer);
  }
  expect(hash.digest("hex")).toBe(createHash("sha256").update(octets).digest("hex"));
});

test("stops the peer where nobody reads", async () => {
  await using pair = await Pair.open();
  pair.peer.write(Buffer.alloc(sizeBytes));
  pair.peer.end();
  await until(() => pair.socket.isPaused(), "the socket is paused");
  expect(pair.unblocked.readableLength).toBeLessThan(sizeBytes);
  let bytes = 0;
  for await (const chunk of pair.unblocked) {
    bytes += (chunk as Buffer).length;
  }
  expect(bytes).toBe(sizeBytes);
});

test("closes when its connection is closed, by either side", async () => {
  await using left = await Pair.open();
  left.peer.destroy();
  left.unblocked.resume();
  await once(left.unblocked, "close");
  expect(left.socket.destroyed).toBe(true);
  await using leaves = await Pair.open();
  leaves.unblocked.destroy();
  leaves.peer.resume();
  await once(leaves.peer, "end");
  leaves.peer.end();
  await until(() => leaves.socket.destroyed, "the connection closed");
});

test("what was taken before it is destroyed still goes, and waits for no peer that hangs", async () => {
  await using pair = await Pair.open();
  pair.unblocked.write(Buffer.alloc(sizeBytes));
  pair.unblocked.destroy();
  let bytes = 0;
  for await (const chunk of pair.peer) {
    bytes += (chunk as Buffer).length;
  }
  expect(bytes).toBe(sizeBytes);
  await using hanging = await Pair.open();
  hanging.unblocked.write(Buffer.alloc(sizeBytes));
  hanging.unblocked.destroy();
  await once(hanging.socket, "close");
});

/** Both ends of a connection over a unix socket; the peer's reads nothing until it is told to. */
class Pair implements AsyncDisposable {
  readonly peer: Socket;
  readonly socket: Socket;
  readonly unblocked: BufferedSocket;
  readonly #opened: AsyncDisposableStack;

  private constructor(peer: Socket, socket: Socket, opened: AsyncDisposableStack) {
    this.peer = peer;
    this.socket = socket;
    this.unblocked = new BufferedSocket(socket);
    this.#opened = opened;
  }

  static async open(): Promise<Pair> {
    await using opened = new AsyncDisposableStack();
    const path = opened.use(await TemporaryDirectory.make()).socketPath;
    const server = opened.adopt(createServer().listen(path), (one) => void one.close());
    await once(server, "listening");
    const accepted = once(server, "connection");
    const peer = opened.adopt(connect({ path, allowHalfOpen: true }), (one) => void one.destroy());
    const [socket] = (await accepted) as [Socket];
    return new Pair(
      peer,
      opened.adopt(socket, (one) => void one.destroy()),
      opened.move(),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
