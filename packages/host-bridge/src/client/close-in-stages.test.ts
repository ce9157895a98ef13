import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { until } from "@servehttp/testkit";
import { lingerBytesMax, lingerMsMax, lingerSilenceMsMax } from "../limits.js";
import { closeInStages } from "./close-in-stages.js";

/** The host's end of a connection, and its client. */
async function connection(): Promise<AsyncDisposable & { socket: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [socket] = (await once(server, "connection")) as [Socket];
  for (const end of [socket, client]) {
    end.on("error", () => undefined);
  }
  return {
    socket,
    client,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes to a connection until so many bytes have been sent or it is closed. */
function writeFor(client: Socket, bytes: number): void {
  const chunk = Buffer.alloc(65_536);
  let left = bytes;
  const more = () => {
    while (left > 0 && !client.destroyed) {
      left -= chunk.length;
      if (!client.write(chunk)) {
        return;
      }
    }
  };
  client.on("drain", more);
  more();
}

afterEach(() => {
  vi.useRealTimers();
});

describe("closeInStages", () => {
  it("ends the host's side, and reads until the client ends its own", async () => {
    await using both = await connection();
    const { socket, client } = both;
    let failed = false;
    client.on("error", () => {
      failed = true;
    });
    socket.write("the answer");
    closeInStages(socket, undefined);
    let received = "";
    client.on("data", (chunk: Buffer) => {
      received += String(chunk);
    });
    await once(client, "end");
    writeFor(client, 4_194_304);
    client.end();
    await once(client, "close");
    expect([received, failed]).toEqual(["the answer", false]);
    await until(() => socket.destroyed, "the host has closed, too");
  });

  it.each([
    ["what it may still send", 1_000_000, 4_194_304],
    ["the bound on bytes", undefined, 2 * lingerBytesMax],
  ])("cuts off a client that sends more than %s", async (_what, bytesLeft, bytes) => {
    await using both = await connection();
    const { socket, client } = both;
    closeInStages(socket, bytesLeft);
    client.resume();
    writeFor(client, bytes);
    await until(() => socket.destroyed, "the host has closed");
    expect(socket.bytesRead).toBeLessThan((bytesLeft ?? lingerBytesMax) + 1_000_000);
  });

  it("cuts off a client that keeps on sending when its time is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using both = await connection();
    const { socket, client } = both;
    closeInStages(socket, undefined);
    for (let passedMs = 0; passedMs <= lingerMsMax; passedMs += lingerSilenceMsMax - 1) {
      expect(socket.destroyed).toBe(false);
      client.write("x");
      // oxlint-disable-next-line no-await-in-loop
      await once(socket, "data");
      vi.advanceTimersByTime(lingerSilenceMsMax - 1);
    }
    client.write("x");
    await once(socket, "close");
  });

  it("waits for a silent client that still reads its answer, and not for ever", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await using both = await connection();
    const { socket, client } = both;
    client.pause();
    socket.write(Buffer.alloc(33_554_432));
    closeInStages(socket, undefined);
    vi.advanceTimersByTime(5 * lingerSilenceMsMax);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(lingerMsMax);
    expect(socket.destroyed).toBe(true);
  });
});
