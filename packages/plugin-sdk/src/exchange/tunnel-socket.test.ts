import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type Duplex, finished } from "node:stream";
import { promisify } from "node:util";
import { bodyChunkBytesMax, type ResponseParts, ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { clientOf } from "./client-socket.js";
import type { ServeHTTP } from "../handler/serve-http.js";
import { callHandler } from "../testing/testing.js";
import { TunnelSocket } from "./tunnel-socket.js";

describe("TunnelSocket", () => {
  it("carries bytes both ways at once, whole and in order", async () => {
    const { ours, theirs } = await openTunnel();
    const there = randomBytes(3_000_001);
    const back = randomBytes(2_000_003);
    theirs.end(there);
    ours.end(back);
    const [received, returned] = await Promise.all([sha256Of(ours), sha256Of(theirs)]);
    expect(received).toBe(sha256(there));
    expect(returned).toBe(sha256(back));
  });

  it("lets each way end on its own", async () => {
    const { ours, theirs } = await openTunnel();
    theirs.end("last");
    expect(await textOf(ours)).toBe("last");
    expect(ours.writable).toBe(true);
    ours.end("answer");
    expect(await textOf(theirs)).toBe("answer");
    await Promise.all([closed(ours), closed(theirs)]);
  });

  it("cuts and joins writes to the size of parts", () => {
    const { socket, sent } = openAlone();
    const octets = randomBytes(bodyChunkBytesMax + 7);
    socket.write(octets);
    socket.cork();
    socket.write("head;");
    socket.write("payload");
    socket.uncork();
    expect(sent.map((parts) => parts.tunnelChunk?.length)).toEqual([bodyChunkBytesMax, 7, 12]);
    socket.destroy();
  });

  it("holds the writer while the other side has no room", async () => {
    const room = Promise.withResolvers<void>();
    const { socket } = openAlone(room.promise);
    const written = new Promise<void>((resolve) => {
      socket.write("x", () => resolve());
    });
    await turn();
    expect(socket.writableLength).toBe(1);
    room.resolve();
    await written;
    expect(socket.writableLength).toBe(0);
    socket.destroy();
  });

  it("holds the other side while nobody reads", async () => {
    const { socket } = openAlone();
    let room: void | Promise<void> = undefined;
    let pushedBytes = 0;
    while (room === undefined) {
      room = socket.receive({ tunnelChunk: new Uint8Array(16_384) });
      pushedBytes += 16_384;
    }
    expect(pushedBytes).toBeLessThanOrEqual(socket.readableHighWaterMark + 16_384);
    socket.resume();
    await room;
    socket.destroy();
  });

  it("ends and closes where the handler never reads (T6)", async () => {
    const { socket } = openAlone();
    socket.on("end", () => socket.end());
    void socket.receive({ tunnelEnd: true });
    await closed(socket);
    expect([socket.readableEnded, socket.writableFinished]).toEqual([true, true]);
  });

  it("keeps what was not read in front of the end", async () => {
    const { socket } = openAlone();
    let hasEnded = false;
    socket.on("end", () => {
      hasEnded = true;
    });
    void socket.receive({ tunnelChunk: Buffer.from("late"), tunnelEnd: true });
    await new Promise(setImmediate);
    expect(hasEnded).toBe(false);
    expect(String(await socket.toArray())).toBe("late");
    expect(socket.bytesRead).toBe(4);
    socket.destroy();
  });

  it("still sends what was written before a destroy, then says that it needs no more", () => {
    const { socket, sent, resets } = openAlone();
    socket.write("bye");
    socket.destroy();
    expect(sent).toEqual([{ tunnelChunk: Buffer.from("bye") }, { tunnelEnd: true }]);
    expect(resets).toEqual([expect.objectContaining({ code: "request-not-needed" })]);
  });

  it("breaks the connection by a destroy with an error", async () => {
    const { socket, sent, resets } = openAlone();
    const failed = once(socket, "error");
    socket.destroy(new Error("broken"));
    await failed;
    expect(sent).toEqual([]);
    expect(resets).toEqual([expect.objectContaining({ code: "handler-failed" })]);
  });

  it("emits the reason of an abort where somebody listens, and closes silently where nobody does", async () => {
    const left = new ServeHTTPError("client-disconnected", "gone");
    const heard = openAlone();
    const failed = once(heard.socket, "error");
    heard.socket.abort(left);
    expect(await failed).toEqual([left]);

    const unheard = openAlone();
    unheard.socket.abort(left);
    await closed(unheard.socket);
    expect(unheard.resets).toEqual([]);
  });

  it("frees the other side when it is destroyed", async () => {
    const { socket } = openAlone();
    let room: void | Promise<void> = undefined;
    while (room === undefined) {
      room = socket.receive({ tunnelChunk: new Uint8Array(65_536) });
    }
    socket.destroy();
    await room;
    expect(socket.receive({ tunnelChunk: new Uint8Array(1) })).toBeUndefined();
  });

  it("destroys itself behind the end by destroySoon", async () => {
    const { socket, sent } = openAlone();
    socket.write("a");
    socket.destroySoon();
    await closed(socket);
    expect(sent.at(-1)).toEqual({ tunnelEnd: true });
  });

  it("ends behind what was written when its handler returns and nobody listens (T6)", async () => {
    const socket = await callHandler({ serveHTTP: sayAndReturn }, { hijackable: true }).tunnel;
    expect(await textOf(socket)).toBe("all there is");
  });

  it("lives on when its handler returns and somebody listens (T6)", async () => {
    const socket = await callHandler({ serveHTTP: echoAndReturn }, { hijackable: true }).tunnel;
    socket.write("still there");
    const [echo] = (await once(socket, "data")) as [Buffer];
    expect(echo.toString()).toBe("still there");
    socket.destroy();
  });

  it("keeps an error that nobody listens for to itself", async () => {
    const { socket } = openAlone();
    socket.end("last");
    socket.write("behind the end");
    await closed(socket);
    expect(socket.errored).toMatchObject({ code: "ERR_STREAM_WRITE_AFTER_END" });
  });

  it("emits timeout after silence, and not after traffic or at 0", async () => {
    const { socket } = openAlone();
    socket.setTimeout(1);
    await once(socket, "timeout");
    socket.setTimeout(0, () => expect.unreachable());
    socket.destroy();
  });
});

const sayAndReturn: ServeHTTP = async (_request, response) => {
  const { socket } = await response.hijack();
  socket.write("all there is");
};

const echoAndReturn: ServeHTTP = async (_request, response) => {
  const { socket } = await response.hijack();
  socket.on("data", (chunk) => socket.write(chunk));
};

async function openTunnel(): Promise<{ ours: Duplex; theirs: Duplex }> {
  const opened = Promise.withResolvers<Duplex>();
  const call = callHandler(
    {
      async serveHTTP(_request, response) {
        const { socket } = await response.hijack();
        opened.resolve(socket);
        await closed(socket);
      },
    },
    { hijackable: true },
  );
  return { ours: await opened.promise, theirs: await call.tunnel };
}

function openAlone(room?: Promise<void>) {
  const sent: ResponseParts[] = [];
  const resets: ServeHTTPError[] = [];
  const socket = new TunnelSocket(
    {
      send: (parts) => {
        sent.push(parts);
        return room;
      },
      reset: (error) => resets.push(error),
    },
    clientOf("192.0.2.1:50000", "http"),
  );
  return { socket, sent, resets };
}

const closed = promisify((stream: Duplex, settle: (error: Error | null) => void) => {
  finished(stream, { error: false }, () => settle(null));
});

async function sha256Of(stream: Duplex): Promise<string> {
  const hash = createHash("sha256");
  const ended = once(stream, "end");
  stream.on("data", (chunk: Buffer) => hash.update(chunk));
  await ended;
  return hash.digest("hex");
}

async function textOf(stream: Duplex): Promise<string> {
  const reads: Buffer[] = [];
  const ended = once(stream, "end");
  stream.on("data", (chunk: Buffer) => reads.push(chunk));
  await ended;
  return Buffer.concat(reads).toString();
}

function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
