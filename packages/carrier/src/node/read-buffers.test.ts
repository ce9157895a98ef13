import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { connectWide } from "./connect-wide.js";
import { returnView } from "../wire/lent-memory.js";
import { viewOrCopy } from "../wire/view-or-copy.js";
import { ReadBuffers } from "./read-buffers.js";

/** Reads so many bytes that count on from `first`. */
function read(buffers: ReadBuffers, bytes: number, first: number): Buffer {
  const to = buffers.next();
  expect(to.length).toBeGreaterThanOrEqual(65_536);
  for (let at = 0; at < bytes; at += 1) {
    to[at] = first + at;
  }
  return buffers.take(bytes);
}

test("small reads share a buffer, and none is overwritten", () => {
  const buffers = new ReadBuffers();
  const reads = Array.from({ length: 1_000 }, (_, index) => read(buffers, 100, index));

  expect(new Set(reads.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(3);
  reads.forEach((bytes, index) => {
    expect([...bytes]).toEqual(Array.from({ length: 100 }, (_, at) => (index + at) % 256));
  });
});

test("bulk gets wide buffers, until reads are small again", () => {
  const buffers = new ReadBuffers();
  expect(buffers.next()).toHaveLength(131_072);
  buffers.take(100_000);
  expect(buffers.next()).toHaveLength(262_144);
  buffers.take(200_000);
  expect(buffers.next()).toHaveLength(262_144);
  for (let bytes = 0; bytes < 262_144; bytes += 10_000) {
    buffers.next();
    buffers.take(10_000);
  }
  expect(buffers.next().buffer.byteLength).toBe(131_072);
});

test("a wide buffer is freed once it is full and all views of it are returned", () => {
  const buffers = new ReadBuffers();
  const views = Array.from({ length: 4 }, () => {
    buffers.next();
    return viewOrCopy(buffers.take(200_000), 0, 200_000);
  });
  const [, first, second, third] = views as [Buffer, Buffer, Buffer, Buffer];
  returnView(first);
  returnView(third);
  buffers.next();
  expect([first, second, third].map(({ length }) => length)).toEqual([0, 200_000, 0]);
});

test("a socket reads all that comes, in order, up to the end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wide-"));
  const sent = randomBytes(3_000_000);
  const server = createServer((socket: Socket) => socket.end(sent));
  try {
    server.listen(join(folder, "socket"));
    await once(server, "listening");
    const socket = connectWide({ path: join(folder, "socket") });
    const got: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => {
      got.push(bytes);
      socket.pause();
      setImmediate(() => socket.resume());
    });
    await once(socket, "end");
    socket.destroy();

    expect(Buffer.concat(got).equals(sent)).toBe(true);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});
