import { once } from "node:events";
import { PassThrough } from "node:stream";
import {
  plainEnd,
  type ResponseInit,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { afterEach, describe, expect, it, vi } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { givenBackMax, tunnelLingerMs } from "../limits.js";
import { PairedStream } from "../test-rig/paired-stream.js";
import { MemoryExchange } from "../test-rig/memory-exchange.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const ok: ResponseInit = { status: 200, headers: [] };
const upload = { init: { method: "POST", contentLength: -1, hijackable: false } };

afterEach(() => {
  vi.useRealTimers();
});

describe("a response", () => {
  it("that comes whole goes out whole", () => {
    const { response, channel, exchange, over } = new MemoryExchange();
    void exchange.receive({ init: ok, chunk: bytes("body"), end: { trailers: ["x-a", "1"] } });
    expect(response.log).toEqual(['respond 200 "body" x-a 1']);
    expect(over).toEqual([{ outcome: "ok", code: undefined }]);
    expect(channel.sent).toHaveLength(1);
    expect(channel.resets).toEqual([]);
  });

  it("that comes in parts goes out in parts", () => {
    const { response, exchange, over } = new MemoryExchange();
    void exchange.receive({ informational: [{ status: 103, headers: ["link", "</a>"] }] });
    void exchange.receive({ init: ok, flush: true });
    void exchange.receive({ chunk: bytes("one"), flush: true });
    void exchange.receive({ chunk: bytes("two") });
    void exchange.receive({ end: plainEnd });
    expect(response.log).toEqual([
      "informational 103 link </a>",
      "begin 200",
      "flush",
      'write "one"',
      "flush",
      'write "two"',
      "end",
    ]);
    expect(over).toEqual([{ outcome: "ok", code: undefined }]);
  });

  it("is timed until its final head, whole or in parts, and not at all without one", () => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    const [whole, inParts, failing] = Array.from({ length: 3 }, () => new MemoryExchange());
    vi.advanceTimersByTime(20);
    void inParts?.exchange.receive({ informational: [{ status: 103, headers: [] }] });
    vi.advanceTimersByTime(30);
    void whole?.exchange.receive({ init: ok, end: plainEnd });
    void inParts?.exchange.receive({ init: ok, flush: true });
    vi.advanceTimersByTime(1_000);
    void inParts?.exchange.receive({ end: plainEnd });
    failing?.exchange.abort(new ServeHTTPError("connection-lost", "gone"));
    expect([whole?.headsMs, inParts?.headsMs, failing?.headsMs]).toEqual([[50], [50], []]);
  });

  it.each<[string, ResponseParts[]]>([
    ["a chunk that is too long", [{ chunk: bytes("12345678") }]],
    ["a whole body that is too long", [{ chunk: bytes("12345678"), end: plainEnd }]],
    ["a whole body that is too short", [{ chunk: bytes("123"), end: plainEnd }]],
    ["no body", [{ end: plainEnd }]],
    ["no body after a while", [{}, { end: plainEnd }]],
  ])("P6 with %s for its length is answered 500", (_what, [first, ...more]) => {
    const { response, channel, exchange, over } = new MemoryExchange();
    void exchange.receive({ init: { status: 200, headers: ["content-length", "5"] }, ...first });
    for (const parts of more) {
      void exchange.receive(parts);
    }
    expect(response.log).toEqual([String.raw`respond 500 "The plugin failed.\n"`]);
    expect(channel.resets).toEqual(["handler-failed"]);
    expect(over).toEqual([{ outcome: "plugin-error", code: "handler-failed" }]);
  });

  it.each<[string, ResponseParts, string[]]>([
    ["longer", { chunk: bytes("567") }, ['write "5"']],
    ["shorter", { end: plainEnd }, []],
  ])("P6 that gets %s than its length is broken once bytes are out", (_what, rest, written) => {
    const { response, channel, exchange, over } = new MemoryExchange();
    const init = { status: 200, headers: ["content-length", "5"] };
    void exchange.receive({ init, chunk: bytes("1234") });
    void exchange.receive(rest);
    expect(response.log).toEqual(["begin 200", 'write "1234"', ...written, "break"]);
    expect(channel.resets).toEqual(["handler-failed"]);
    expect(over).toEqual([{ outcome: "plugin-error", code: "handler-failed" }]);
  });

  it("P6 whose head is flushed is broken when its body does not fit", () => {
    const { response, exchange } = new MemoryExchange();
    const init = { status: 200, headers: ["content-length", "5"] };
    void exchange.receive({ init, flush: true });
    void exchange.receive({ end: plainEnd });
    expect(response.log).toEqual(["begin 200", "flush", "break"]);
  });

  it("whose head has not gone out is answered when the plugin fails", () => {
    const { response, exchange, over } = new MemoryExchange();
    void exchange.receive({ init: ok });
    exchange.abort(new ServeHTTPError("connection-lost", "gone"));
    expect(response.log).toEqual([expect.stringMatching(/^respond 502 /)]);
    expect(over).toEqual([{ outcome: "lost-before-head", code: "connection-lost" }]);
  });

  it("to HEAD has no body, whatever length it declares", () => {
    const { response, exchange } = new MemoryExchange({ init: { method: "HEAD" } });
    void exchange.receive({ init: { status: 200, headers: ["content-length", "5"] } });
    void exchange.receive({ chunk: bytes("12345678") });
    void exchange.receive({ end: plainEnd });
    expect(response.log).toEqual(["begin 200", "end"]);
  });

  it.each<[string, ResponseInit, string, number]>([
    ["an invalid status", { status: 1_000, headers: [] }, "handler-failed", 500],
    ["an invalid name", { status: 200, headers: ["a b", ""] }, "handler-failed", 500],
    ["an invalid value", { status: 200, headers: ["a", "\r\n"] }, "handler-failed", 500],
    [
      "too large a head",
      { status: 200, headers: ["a", "x".repeat(70_000)] },
      "protocol-violation",
      502,
    ],
  ])("with %s is answered by the host", (_what, init, code, status) => {
    const { response, channel, exchange, over } = new MemoryExchange();
    void exchange.receive({ init, chunk: bytes("body") });
    expect(response.log).toEqual([expect.stringMatching(`^respond ${status} `)]);
    expect(channel.resets).toEqual([code]);
    expect(over).toMatchObject([{ code }]);
    void exchange.receive({ end: plainEnd });
    exchange.abort(new ServeHTTPError("connection-lost", "later"));
    exchange.clientClosed();
    exchange.stop(new ServeHTTPError("host-stopping", "later"));
    expect([response.log.length, over.length, channel.resets.length]).toEqual([1, 1, 1]);
  });

  it("waits for a client without room, and no longer than the client lives", async () => {
    const { response, exchange } = new MemoryExchange();
    void exchange.receive({ init: ok });
    response.room = Promise.withResolvers();
    let taken = false;
    const taking = exchange.receive({ chunk: bytes("x") });
    void taking?.then(() => {
      taken = true;
    });
    await turns(2);
    expect(taken).toBe(false);
    exchange.clientClosed();
    await taking;
    expect(taken).toBe(true);
  });

  it("that something in front of the host can't write is broken, once", () => {
    const { response, channel, exchange, over } = new MemoryExchange();
    response.thrown = new TypeError("a middleware's own");
    void exchange.receive({ init: ok, end: plainEnd });
    expect(response.log).toEqual(["break"]);
    expect([channel.resets, over]).toEqual([
      ["internal"],
      [{ outcome: "plugin-error", code: "internal" }],
    ]);
  });
});

describe("a request", () => {
  it("is sent as it comes, in chunks of the size that is allowed", async () => {
    const { body, channel } = new MemoryExchange({ ...upload, chunkBytes: 4 });
    body.write("1234567890");
    body.end();
    await until(() => channel.sent.some(({ end }) => end !== undefined), "the end");
    expect(channel.text).toBe("1234567890");
    expect(channel.sent.map(({ chunk }) => chunk?.length)).toEqual([undefined, 4, 4, 2, undefined]);
  });

  it("waits where the plugin has no room", async () => {
    const { body, channel } = new MemoryExchange(upload);
    channel.room = Promise.withResolvers();
    body.write("one");
    await until(() => channel.text === "one", "the first chunk");
    expect(body.isPaused()).toBe(true);
    body.write("two");
    await turns(3);
    expect(channel.text).toBe("one");
    channel.room.resolve();
    channel.room = undefined;
    await until(() => channel.text === "onetwo", "the second chunk");
  });

  it("is no more read once it is answered, and its rest is refused", async () => {
    const { body, response, channel, exchange } = new MemoryExchange(upload);
    body.write("one");
    await until(() => channel.text === "one", "the first chunk");
    void exchange.receive({ init: { status: 413, headers: [] }, end: plainEnd });
    body.write("two");
    await turns(3);
    expect(response.log).toEqual(['respond 413 ""', "discardRequestBody"]);
    expect([channel.text, channel.resets]).toEqual(["one", []]);
    expect(body.listenerCount("data") + body.listenerCount("end")).toBe(0);
  });

  it("that ended before its answer came is not refused", async () => {
    const { body, response, channel, exchange } = new MemoryExchange(upload);
    body.end("all");
    await until(() => channel.sent.some(({ end }) => end !== undefined), "the end");
    void exchange.receive({ init: ok, end: plainEnd });
    expect(response.log).toEqual(['respond 200 ""']);
  });

  it("gets an answer whatever code its plugin gives it up with", () => {
    for (const code of [
      "client-disconnected",
      "host-stopping",
      "internal",
      "connection-lost",
    ] as const) {
      const { response, exchange, over } = new MemoryExchange();
      exchange.abort(new ServeHTTPError(code, "the plugin says so"));
      expect(response.log).toEqual([expect.stringMatching(/^respond 50[0-9] /)]);
      expect(over).toHaveLength(1);
      expect(over[0]?.outcome).not.toBe("client-disconnected");
    }
  });

  it("that its client leaves is given up, and nothing is written", () => {
    const { response, channel, exchange, over } = new MemoryExchange();
    response.closed = true;
    exchange.clientClosed();
    expect([response.log, channel.resets]).toEqual([[], ["client-disconnected"]]);
    expect(over).toEqual([{ outcome: "client-disconnected", code: "client-disconnected" }]);
  });

  it("is broken where the plugin is lost behind the head", () => {
    const { response, exchange, over } = new MemoryExchange();
    void exchange.receive({ init: ok, chunk: bytes("x") });
    exchange.abort(new ServeHTTPError("connection-lost", "gone"));
    expect(response.log).toEqual(["begin 200", 'write "x"', "break"]);
    expect(over).toEqual([{ outcome: "lost-after-head", code: "connection-lost" }]);
  });
});

describe("time", () => {
  it("answers 504 for a head that does not come, and breaks what falls silent behind it", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const times = { headMs: 1_000, idleMs: 1_000, totalMs: 0 };
    const headless = new MemoryExchange({ times });
    const silent = new MemoryExchange({ times });
    void silent.exchange.receive({ init: ok, chunk: bytes("x") });
    vi.advanceTimersByTime(1_001);
    expect(headless.response.log).toEqual([expect.stringMatching(/^respond 504 /)]);
    expect(silent.response.log.at(-1)).toBe("break");
    for (const { channel, over } of [headless, silent]) {
      expect([channel.resets, over]).toEqual([
        ["deadline"],
        [{ outcome: "deadline", code: "deadline" }],
      ]);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes by while the client reads, and not while it does not", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const times = { headMs: 0, idleMs: 1_000, totalMs: 0 };
    const { response, exchange } = new MemoryExchange({ times });
    void exchange.receive({ init: ok });
    for (let round = 0; round < 3; round += 1) {
      response.room = Promise.withResolvers();
      const taken = exchange.receive({ chunk: bytes("x") });
      vi.advanceTimersByTime(900);
      response.room.resolve();
      await taken;
    }
    expect(response.log).not.toContain("break");
    response.room = Promise.withResolvers();
    void exchange.receive({ chunk: bytes("x") });
    vi.advanceTimersByTime(1_001);
    expect(response.log.at(-1)).toBe("break");
  });
});

describe("a tunnel", () => {
  function hijacked(options = {}) {
    const memory = new MemoryExchange(options);
    const inward = new PassThrough();
    const outward = new PassThrough();
    // Both ends of a client's connection, as one stream.
    const socket = PairedStream.over(inward, outward);
    memory.response.socket = socket;
    void memory.exchange.receive({ hijack: true });
    const { response, channel, exchange, over } = memory;
    return { response, channel, exchange, over, inward, outward, socket, memory };
  }

  it("carries bytes both ways, and each way ends by itself", async () => {
    const { channel, exchange, inward, outward, over, socket } = hijacked();
    inward.write("to the plugin");
    await until(() => channel.text === "to the plugin", "bytes at the plugin");
    void exchange.receive({ tunnelChunk: bytes("to the client") });
    inward.end();
    await until(() => channel.sent.at(-1)?.tunnelEnd === true, "the client's end");
    expect(String(outward.read())).toBe("to the client");
    void exchange.receive({ tunnelChunk: bytes(" and more"), tunnelEnd: true });
    expect(String(await once(outward, "data"))).toBe(" and more");
    await until(() => socket.destroyed, "the connection is closed");
    expect(over).toEqual([{ outcome: "ok", code: undefined }]);
    expect(channel.resets).toEqual([]);
  });

  it("ends with its client", async () => {
    const { channel, over, socket } = hijacked();
    socket.destroy();
    await until(() => over.length > 0, "the exchange is over");
    expect([over, channel.resets]).toEqual([
      [{ outcome: "client-disconnected", code: "client-disconnected" }],
      ["client-disconnected"],
    ]);
  });

  it.each(["connection-lost", "handler-failed"] as const)(
    "ends with its plugin (%s)",
    async (code) => {
      const { exchange, over, socket } = hijacked();
      exchange.abort(new ServeHTTPError(code, "gone"));
      expect(socket.destroyed).toBe(true);
      await turns(2);
      expect(over).toHaveLength(1);
    },
  );

  it.each([
    ["when the client has what was written", true],
    ["when the client does not take it", false],
  ])("that its plugin closed is over %s", async (_when, reads) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { exchange, outward, over, socket } = hijacked();
    void exchange.receive({ tunnelChunk: Buffer.alloc(200_000) });
    exchange.abort(new ServeHTTPError("request-not-needed", "closed"));
    await turns(2);
    expect([over, socket.destroyed]).toEqual([[], false]);
    let read = 0;
    if (reads) {
      outward.on("data", (chunk: Buffer) => {
        read += chunk.length;
      });
    } else {
      vi.advanceTimersByTime(tunnelLingerMs);
    }
    await until(() => over.length > 0, "the exchange is over");
    expect([over, read, vi.getTimerCount()]).toEqual([
      [{ outcome: "ok", code: undefined }],
      reads ? 200_000 : 0,
      0,
    ]);
  });

  it("waits for a client without room, and for a plugin without", async () => {
    const { channel, exchange, inward, outward, socket } = hijacked();
    const waits = exchange.receive({ tunnelChunk: Buffer.alloc(200_000) });
    let taken = false;
    void waits?.then(() => {
      taken = true;
    });
    await turns(3);
    expect(taken).toBe(false);
    outward.resume();
    await until(() => taken, "room at the client");
    channel.room = Promise.withResolvers();
    inward.write("one");
    await until(() => channel.text === "one", "the first bytes");
    expect(socket.isPaused()).toBe(true);
    inward.write("two");
    await turns(3);
    expect(channel.text).toBe("one");
    channel.room.resolve();
    channel.room = undefined;
    await until(() => channel.text === "onetwo", "the rest");
  });

  it("is refused where the request can't become one, or too many are open", () => {
    const impossible = hijacked({ init: { hijackable: false } });
    expect(impossible.response.log).toEqual([expect.stringMatching(/^respond 502 /)]);
    const many = hijacked({ mayTunnel: false });
    expect(many.response.log).toEqual([expect.stringMatching(/^respond 503 /)]);
    expect(many.over).toEqual([{ outcome: "overload", code: "overload" }]);
    expect([impossible.memory.tunnels, many.memory.tunnels]).toEqual([0, 0]);
  });

  it("knows no time of HTTP's", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const { over } = hijacked({ times: { headMs: 10, idleMs: 10, totalMs: 10 } });
    vi.advanceTimersByTime(1_000_000);
    expect([over, vi.getTimerCount()]).toEqual([[], 0]);
  });
});

describe("S3, L8: an exchange that never reached its plugin", () => {
  const going = new ServeHTTPError("unavailable", "the plugin's server was going");

  it("goes on at the next, with all that was sent and what follows", async () => {
    const one = new MemoryExchange(upload);
    one.body.write("one");
    await until(() => one.channel.sent.length === 2, "the first chunk");
    const unsent = [...one.channel.sent];
    one.exchange.abort(going, unsent);
    one.body.end("two");
    const next = new MemoryExchange();
    await turns(3);
    expect(one.channel.sent).toHaveLength(2);
    one.goOn?.(next.plugin);
    await until(() => next.channel.sent.at(-1)?.end !== undefined, "the end");
    const [, ...sent] = next.channel.sent;
    expect(sent.slice(0, 2)).toEqual(unsent);
    expect(sent.slice(2)).toEqual([{ chunk: bytes("two") }, { end: plainEnd }]);
    void one.exchange.receive({ init: ok, chunk: bytes("body"), end: plainEnd });
    expect(one.response.log).toEqual(['respond 200 "body"']);
    expect([one.over, one.begun, next.begun]).toEqual([[], 1, 2]);
    expect(next.over).toEqual([{ outcome: "ok", code: undefined }]);
  });

  it("waits for room at the next before it sends more", async () => {
    const one = new MemoryExchange(upload);
    one.exchange.abort(going, [...one.channel.sent]);
    const next = new MemoryExchange();
    next.channel.room = Promise.withResolvers<void>();
    one.goOn?.(next.plugin);
    one.body.write("more");
    await turns(3);
    expect(next.channel.sent).toHaveLength(2);
    next.channel.room.resolve();
    await until(() => next.channel.sent.length === 3, "the rest");
  });

  it("reads nothing more in between, though what was too full before is over", async () => {
    const one = new MemoryExchange(upload);
    one.channel.room = Promise.withResolvers<void>();
    one.body.write("one");
    await until(() => one.channel.sent.length === 2, "the first chunk");
    const unsent = [...one.channel.sent];
    one.channel.room.reject(going);
    one.exchange.abort(going, unsent);
    one.body.end("two");
    await turns(3);
    const next = new MemoryExchange();
    one.goOn?.(next.plugin);
    await until(() => next.channel.sent.at(-1)?.end !== undefined, "the end");
    const [, ...sent] = next.channel.sent;
    expect(sent).toEqual([...unsent, { chunk: bytes("two") }, { end: plainEnd }]);
  });

  it("is answered with 503 where there is no next, or the same one gives it back a few times", () => {
    const one = new MemoryExchange();
    one.exchange.abort(going, [...one.channel.sent]);
    one.goOn?.(new ServeHTTPError("unavailable", "the plugin is failed"));
    const two = new MemoryExchange();
    two.exchange.abort(going, [...two.channel.sent]);
    for (let times = 1; times <= givenBackMax; times += 1) {
      expect(two.response.log).toEqual([]);
      two.goOn?.(two.plugin);
      two.exchange.abort(going, [...two.channel.sent]);
    }
    expect(two.givenBack.map(({ timesBefore }) => timesBefore)).toEqual([0, 1, 2, 3]);
    for (const { response } of [one, two]) {
      expect(response.log).toEqual([expect.stringMatching(/^respond 503 /)]);
    }
  });

  it("goes to another instance once, and to no third", () => {
    const one = new MemoryExchange();
    one.exchange.abort(going, [...one.channel.sent]);
    const next = new MemoryExchange();
    one.goOn?.(next.plugin);
    one.exchange.abort(going, next.channel.sent.slice(1));
    expect([one.givenBack.length, next.givenBack.length]).toEqual([1, 0]);
    expect(one.response.log).toEqual([expect.stringMatching(/^respond 503 /)]);
    expect([one.over, next.over]).toEqual([[], [{ outcome: "unavailable", code: "unavailable" }]]);
  });

  it("goes on though the carrier has not kept what was sent, while nothing of a body was", async () => {
    const get = new MemoryExchange();
    const post = new MemoryExchange(upload);
    for (const { exchange } of [get, post]) {
      exchange.abort(going, "not-kept");
    }
    post.body.end("body");
    for (const one of [get, post]) {
      const next = new MemoryExchange();
      one.goOn?.(next.plugin);
      await until(() => next.channel.sent.at(-1)?.end !== undefined, "the end");
      expect(next.channel.sent[1]?.init).toBe(one.exchange.init);
      expect(next.channel.text).toBe(one === post ? "body" : "");
    }
  });

  it("is never sent again once a byte of a body is gone that nobody has kept, or its end", async () => {
    const begun = new MemoryExchange(upload);
    begun.body.write("b");
    await until(() => begun.channel.text === "b", "the first byte");
    const empty = new MemoryExchange(upload);
    empty.body.end();
    await until(() => empty.channel.sent.at(-1)?.end !== undefined, "the end");
    for (const { exchange, givenBack, response } of [begun, empty]) {
      exchange.abort(going, "not-kept");
      expect(givenBack).toEqual([]);
      expect(response.log[0]).toMatch(/^respond 503 /);
    }
  });

  it("is never sent again once something of a response has come, or where nothing is proved", () => {
    const headed = new MemoryExchange();
    void headed.exchange.receive({ init: ok });
    headed.exchange.abort(going, [...headed.channel.sent]);
    const lost = new MemoryExchange();
    lost.exchange.abort(new ServeHTTPError("connection-lost", "it is gone"));
    expect([headed.givenBack, lost.givenBack]).toEqual([[], []]);
    expect(lost.response.log).toEqual([expect.stringMatching(/^respond 502 /)]);
  });

  it("leaves its place when its client leaves or its time runs out", () => {
    vi.useFakeTimers();
    const times = { headMs: 1_000, idleMs: 0, totalMs: 0 };
    const left = new MemoryExchange();
    const late = new MemoryExchange({ times });
    for (const { exchange, channel } of [left, late]) {
      exchange.abort(going, [...channel.sent]);
    }
    expect([left.goOn, late.goOn]).not.toContain(undefined);
    left.exchange.clientClosed();
    vi.advanceTimersByTime(1_000);
    expect([left.goOn, late.goOn]).toEqual([undefined, undefined]);
    expect(left.over).toEqual([{ outcome: "client-disconnected", code: "client-disconnected" }]);
    expect(late.response.log).toEqual([expect.stringMatching(/^respond 504 /)]);
  });
});
