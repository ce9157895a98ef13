import { muxWaitingBytesMax, ServeHTTPError } from "@servehttp/contract";
import { expect, it } from "vitest";
import { MessageQueue } from "./message-queue.js";

const message = (text: string) => Buffer.from(text);

it("gives messages in order, then the end", async () => {
  const { queue } = open();
  const first = queue.next();
  void queue.push(message("a"));
  void queue.push(message("b"));
  queue.end();
  void queue.push(message("too late"));
  expect(await first).toEqual({ done: false, value: message("a") });
  expect(await queue.next()).toEqual({ done: false, value: message("b") });
  expect(await queue.next()).toEqual({ done: true, value: undefined });
  expect(await queue.next()).toEqual({ done: true, value: undefined });
});

it("lets the sender wait while too much waits", async () => {
  const { queue } = open();
  const half = Buffer.alloc(muxWaitingBytesMax / 2);
  expect(queue.push(half)).toBeUndefined();
  expect(queue.push(half)).toBeUndefined();
  let hasRoom = false;
  const room = queue.push(half)?.then(() => {
    hasRoom = true;
  });
  await queue.next();
  expect(hasRoom).toBe(false);
  await queue.next();
  await room;
  expect(hasRoom).toBe(true);
});

it("lets a sender go on at the end of the messages", async () => {
  const { queue } = open();
  const room = queue.push(Buffer.alloc(muxWaitingBytesMax + 1));
  queue.end();
  await queue.next();
  await expect(room).resolves.toBeUndefined();
});

it("tells a sender that waits why the queue fails", async () => {
  const { queue } = open();
  const room = queue.push(Buffer.alloc(muxWaitingBytesMax + 1));
  queue.fail(failure("why"));
  await expect(room).rejects.toThrow("why");
});

it("tells a sender that waits why the stack leaves", async () => {
  const queue: MessageQueue = new MessageQueue(() => queue.fail(failure("left")));
  const room = queue.push(Buffer.alloc(muxWaitingBytesMax + 1));
  await queue.return();
  await expect(room).rejects.toThrow("left");
});

it("tells an error once, in place of what waits, and then the end", async () => {
  const { queue } = open();
  void queue.push(message("dropped"));
  queue.fail(failure("why"));
  queue.fail(failure("too late"));
  await expect(queue.next()).rejects.toThrow("why");
  expect(await queue.next()).toEqual({ done: true, value: undefined });
});

it("fails a stack that waits", async () => {
  const { queue } = open();
  const waiting = queue.next();
  queue.fail(failure("why"));
  await expect(waiting).rejects.toThrow("why");
});

it("ends a stack that waits and returns, and says so", async () => {
  const { queue, left } = open();
  const waiting = queue.next();
  await queue.return();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await queue.return();
  expect(left).toEqual(["left"]);
});

it("says nothing of a stack that returns at the end", async () => {
  const { queue, left } = open();
  queue.end();
  await queue.next();
  await queue.return();
  expect(left).toEqual([]);
});

it("says so where a stack returns before it has had what waits", async () => {
  const { queue, left } = open();
  void queue.push(message("a"));
  queue.end();
  await queue.return();
  expect(left).toEqual(["left"]);
});

function failure(why: string): ServeHTTPError {
  return new ServeHTTPError("internal", why);
}

function open() {
  const left: string[] = [];
  return { queue: new MessageQueue(() => left.push("left")), left };
}
