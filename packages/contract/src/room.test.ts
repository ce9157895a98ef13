import { expect, test } from "vitest";
import { Room } from "./room.js";
import { ServeHTTPError } from "./servehttp-error.js";

test("lets all go on that wait, once there is room", async () => {
  const room = new Room();
  const gone: number[] = [];
  const waiting = [1, 2].map((one) => room.wait().then(() => gone.push(one)));
  await Promise.resolve();
  expect(gone).toEqual([]);
  room.open();
  await Promise.all(waiting);
  expect(gone).toEqual([1, 2]);
});

test("whoever comes after it was opened waits for the next time", async () => {
  const room = new Room();
  const first = room.wait();
  room.open();
  const second = room.wait();
  expect(second).not.toBe(first);
  await first;
  room.open();
  await second;
});

test("tells all that wait why there will be no room, and nobody who doesn't", async () => {
  const room = new Room();
  const reason = new ServeHTTPError("connection-lost", "gone");
  const waiting = [room.wait(), room.wait()];
  room.close(reason);
  expect(await Promise.allSettled(waiting)).toEqual([
    { status: "rejected", reason },
    { status: "rejected", reason },
  ]);
  room.close(reason);
  room.open();
});

test("a rejection that nobody waits for is handled", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const room = new Room();
  void room.wait();
  room.close(new ServeHTTPError("connection-lost", "gone"));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
