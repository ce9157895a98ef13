import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { expect, test } from "vitest";
import { readToEnd } from "./read-to-end.js";

test("S3: what a peer sent before it closed is read, whatever is written to it meanwhile", async () => {
  await using directory = await TemporaryDirectory.make();
  const sent = randomBytes(100_000);
  const server = createServer((peer) => {
    peer.on("error", () => undefined);
    peer.end(sent, () => peer.destroy());
  });
  await once(server.listen(directory.socketPath), "listening");
  const socket = readToEnd(connect(directory.socketPath));
  const errors: unknown[] = [];
  socket.on("error", (error) => errors.push(error));
  socket.pause();
  await once(socket, "connect");
  const closed = once(server, "close");
  server.close();
  await closed;
  // One by one and several at once; a write that works tells nothing.
  for (let failed = 0; failed < 3; failed += 1) {
    socket.cork();
    socket.write("a");
    socket.write("b");
    socket.uncork();
    const settled = Promise.withResolvers<unknown>();
    socket.write("c", settled.resolve);
    await settled.promise;
  }
  const hash = createHash("sha256");
  for await (const chunk of socket) {
    hash.update(chunk as Buffer);
  }
  expect(hash.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
  await until(() => socket.destroyed, "the socket closed");
  expect(errors).toEqual([]);
});
