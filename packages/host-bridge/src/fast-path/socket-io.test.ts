import { Socket } from "node:net";
import { GrowthBudget } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { fastPathFreedBytesMin } from "../limits.js";
import { SocketIo } from "./socket-io.js";

/** A socket of which so many bytes were read before. */
function ioOf(bytesRead = 0): SocketIo {
  const socket = new Socket();
  Object.defineProperty(socket, "bytesRead", { value: bytesRead });
  return new SocketIo(socket, new GrowthBudget());
}

/** What a read of a socket gives: bytes in memory of their own. */
function read(bytes = fastPathFreedBytesMin): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}

describe("the memory of what was taken", () => {
  it("is owned where one read has filled it", () => {
    const io = ioOf();
    io.hold(read());
    expect(io.take()).toHaveLength(fastPathFreedBytesMin);
    expect(io.owned).toBe(true);
  });

  it("is still owned behind a head, and no more while a body is in front", () => {
    const io = ioOf();
    io.hold(read());
    io.putBack(io.take().subarray(100));
    const rest = io.take();
    expect(io.owned).toBe(true);
    io.putBackShared(rest.subarray(100));
    io.take();
    expect(io.owned).toBe(false);
  });

  it.each<[string, (io: SocketIo) => void]>([
    [
      "it holds two reads",
      (io) => {
        io.hold(read());
        io.hold(read());
      },
    ],
    ["it lies in memory with something else", (io) => io.hold(read(65_536).subarray(0, 32_768))],
    ["it is small", (io) => io.hold(read(fastPathFreedBytesMin - 1))],
  ])("is not owned where %s", (_why, hold) => {
    const io = ioOf();
    hold(io);
    io.take();
    expect(io.owned).toBe(false);
  });

  it("is not owned where somebody has read it before, and given it back", () => {
    const io = ioOf(fastPathFreedBytesMin + 1);
    const owned = Array.from({ length: 3 }, () => {
      io.hold(read());
      io.take();
      return io.owned;
    });
    expect(owned).toEqual([false, false, true]);
  });
});
