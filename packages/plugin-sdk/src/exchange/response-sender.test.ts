import {
  bodyChunkBytesMax,
  type RequestInit,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryChannel } from "../testing/memory-channel.js";
import { HeaderList } from "../handler/header-list.js";
import type { WriteHeadHeaders } from "../handler/read-headers.js";
import { ResponseSender } from "./response-sender.js";

const empty = { trailers: [] };

describe("ResponseSender", () => {
  it("sends a response that is written at once as one message", async () => {
    const { response, sent } = open();
    response.headers.set("content-type", "text/plain");
    await response.end("hello");
    expect(sent).toEqual([
      {
        init: { status: 200, headers: ["content-type", "text/plain"] },
        chunk: Buffer.from("hello"),
        end: empty,
      },
    ]);
  });

  it("sends the head of writeHead with what follows it", async () => {
    const { response, sent } = open();
    response.writeHead(404);
    expect(response.committed).toBe(true);
    expect(sent).toEqual([]);
    await response.end();
    expect(sent).toEqual([{ init: { status: 404, headers: [] }, end: empty }]);
  });

  it.each([
    ["an object", { "content-type": "text/plain", "x-m": ["1", "2"], age: 5 }],
    ["a flat array", ["content-type", "text/plain", "x-m", "1", "x-m", "2", "age", "5"]],
    [
      "pairs",
      [
        ["content-type", "text/plain"],
        ["x-m", ["1", "2"]],
        ["age", 5],
      ],
    ],
    [
      "a list",
      new HeaderList([
        ["content-type", "text/plain"],
        ["x-m", "1"],
        ["x-m", "2"],
        ["age", 5],
      ]),
    ],
  ] as [string, WriteHeadHeaders][])(
    "takes headers with the status: %s",
    async (_kind, headers) => {
      const { response, sent } = open();
      response.writeHead(404, headers);
      await response.end();
      const fields = ["content-type", "text/plain", "x-m", "1", "x-m", "2", "age", "5"];
      expect(sent).toEqual([{ init: { status: 404, headers: fields }, end: empty }]);
    },
  );

  it("puts the headers of writeHead in place of those set before", async () => {
    const { response, sent } = open();
    response.headers.append("X-M", "old");
    response.headers.append("x-m", "older");
    response.headers.set("kept", "1");
    response.writeHead(200, { "x-M": ["1", "2"] });
    await response.end();
    expect(sent[0]?.init?.headers).toEqual(["kept", "1", "x-M", "1", "x-M", "2"]);
  });

  it("commits nothing where writeHead throws for a header", async () => {
    const { response, sent, errors } = open();
    response.headers.set("a", "1");
    expect(() => response.writeHead(404, { a: "2", "b c": "3" })).toThrow(
      /"b c" is no header name/,
    );
    expect(response.committed).toBe(false);
    await response.end();
    expect(sent).toEqual([{ init: { status: 200, headers: ["a", "1"] }, end: empty }]);
    expect(errors).toEqual([]);
  });

  it("sends the headers given with an informational status with that one alone", async () => {
    const { response, sent } = open();
    response.headers.set("x-both", "1");
    response.writeHead(103, { link: "</a>" });
    await response.end();
    expect(sent).toEqual([
      { informational: [{ status: 103, headers: ["x-both", "1", "link", "</a>"] }] },
      { init: { status: 200, headers: ["x-both", "1"] }, end: empty },
    ]);
  });

  it("says nothing of a writeHead after the exchange was given up", () => {
    const { response, warnings } = open();
    response.abort(new ServeHTTPError("client-disconnected", "gone"));
    response.writeHead(200, { a: "1" });
    expect(warnings).toEqual([]);
  });

  it("shares one promise among writes that find room", () => {
    const { response } = open();
    expect(response.write("a")).toBe(response.write("b"));
  });

  it("waits where the channel has no room, and goes on when it has", async () => {
    const room = Promise.withResolvers<void>();
    const { response } = open({ room: room.promise });
    let isDone = false;
    const written = response.write("a").then(() => {
      isDone = true;
    });
    await turn();
    expect(isDone).toBe(false);
    room.resolve();
    await written;
  });

  it("ignores changes of the headers after the commit", async () => {
    const { response, sent } = open();
    response.headers.set("a", "1");
    await response.write("x");
    response.headers.set("a", "2");
    response.headers.append("b", "3");
    await response.end();
    expect(sent[0]?.init?.headers).toEqual(["a", "1"]);
    expect(sent).toHaveLength(2);
  });

  it("ignores a second writeHead, with one line in the log", async () => {
    const { response, sent, warnings } = open();
    response.writeHead(201);
    response.writeHead(500);
    response.writeHead(501);
    await response.end();
    expect(sent[0]?.init?.status).toBe(201);
    expect(warnings).toHaveLength(1);
  });

  it("sends the head alone for a write of nothing, once", async () => {
    const { response, sent } = open();
    await response.write("");
    await response.write(new Uint8Array());
    expect(sent).toEqual([{ init: { status: 200, headers: [] } }]);
  });

  it("commits status and headers by a flush before the first write", async () => {
    const { response, sent } = open();
    response.headers.set("a", "1");
    response.writeHead(202);
    await response.flush();
    await response.flush();
    expect(sent).toEqual([
      { init: { status: 202, headers: ["a", "1"] }, flush: true },
      { flush: true },
    ]);
  });

  it("cuts long chunks and loses nothing", async () => {
    const { response, sent } = open();
    const octets = randomBytes(3 * bodyChunkBytesMax + 5);
    await response.end(octets);
    expect(sent.map((parts) => parts.chunk?.length)).toEqual([
      bodyChunkBytesMax,
      bodyChunkBytesMax,
      bodyChunkBytesMax,
      5,
    ]);
    expect(Buffer.concat(sent.map((parts) => parts.chunk ?? new Uint8Array())).equals(octets)).toBe(
      true,
    );
    expect(sent.at(-1)?.end).toEqual(empty);
  });

  it("sends strings as UTF-8", async () => {
    const { response, sent } = open();
    await response.end("é…");
    expect(sent[0]?.chunk).toEqual(Buffer.from("é…", "utf8"));
  });

  it("throws at once for a chunk that is none", () => {
    const { response } = open();
    for (const chunk of [5, null, undefined, {}, new ArrayBuffer(1)]) {
      expect(() => response.write(chunk as string)).toThrow(
        expect.objectContaining({ code: "invalid-argument" }),
      );
    }
  });

  it("sends trailers with the end", async () => {
    const { response, sent } = open();
    await response.write("x");
    response.trailers.set("x-sum", "1");
    await response.end();
    expect(sent[1]).toEqual({ end: { trailers: ["x-sum", "1"] } });
  });

  it("rejects writes after the end", async () => {
    const { response, sent } = open();
    await response.end();
    await expect(response.write("x")).rejects.toMatchObject({ code: "already-ended" });
    await expect(response.end()).rejects.toMatchObject({ code: "already-ended" });
    await expect(response.flush()).rejects.toMatchObject({ code: "already-ended" });
    await expect(response.informational(103)).rejects.toMatchObject({ code: "already-ended" });
    expect(sent).toHaveLength(1);
  });

  it("rejects waiting and later writes when the exchange is given up", async () => {
    const { response, channel } = open({ room: new Promise(() => undefined) });
    const waiting = response.write("x");
    const left = new ServeHTTPError("client-disconnected", "gone");
    channel.abort({ receive: () => undefined, abort: (error) => response.abort(error) }, left);
    await expect(waiting).rejects.toBe(left);
    await expect(response.write("y")).rejects.toBe(left);
    await expect(response.hijack()).rejects.toBe(left);
  });

  it("leaves no unhandled rejection where nobody looks at a write", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => {
      unhandled.push(reason);
    };
    process.on("unhandledRejection", listen);
    try {
      const { response, channel } = open({ room: new Promise(() => undefined) });
      void response.write("x");
      channel.abort(
        { receive: () => undefined, abort: (error) => response.abort(error) },
        new ServeHTTPError("client-disconnected", "gone"),
      );
      void response.write("y");
      void response.end();
      void response.informational(103);
      await turn();
      await turn();
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen);
    }
  });

  it.each([-1, 0, 42, 99, 101, 1000, 65_535, Number.NaN, 200.5])(
    "fails the exchange for the status %d, without throwing",
    async (status) => {
      const { response, sent, resets, errors, requestAborts } = open();
      response.writeHead(status);
      expect(resets).toEqual([expect.objectContaining({ code: "handler-failed" })]);
      expect(requestAborts).toHaveLength(1);
      expect(errors).toHaveLength(1);
      expect(sent).toEqual([]);
      await expect(response.end()).rejects.toMatchObject({ code: "handler-failed" });
    },
  );

  it.each([200, 204, 304, 599, 600, 999])("takes %d for a final status", async (status) => {
    const { response, sent } = open();
    response.writeHead(status);
    await response.end();
    expect(sent[0]?.init?.status).toBe(status);
  });

  it("fails the exchange for a header section that the contract does not carry", () => {
    const { response, resets } = open();
    response.headers.set("a", "x".repeat(200_000));
    response.writeHead(200);
    expect(resets).toEqual([expect.objectContaining({ code: "handler-failed" })]);
  });

  it("sends informational responses before the head and leaves it open", async () => {
    const { response, sent } = open();
    await response.informational(103, [["link", "</a>"]]);
    response.headers.set("link", "</b>");
    response.writeHead(103);
    expect(response.committed).toBe(false);
    await response.end();
    expect(sent).toEqual([
      { informational: [{ status: 103, headers: ["link", "</a>"] }] },
      { informational: [{ status: 103, headers: ["link", "</b>"] }] },
      { init: { status: 200, headers: ["link", "</b>"] }, end: empty },
    ]);
  });

  it("refuses informational responses that can't be", async () => {
    const { response } = open();
    for (const status of [99, 101, 200, Number.NaN]) {
      // oxlint-disable-next-line no-await-in-loop
      await expect(response.informational(status)).rejects.toMatchObject({
        code: "invalid-argument",
      });
    }
    await expect(response.informational(103, [["a b", ""]])).rejects.toMatchObject({
      code: "invalid-argument",
    });
    response.writeHead(200);
    await expect(response.informational(103)).rejects.toMatchObject({ code: "already-committed" });
  });

  it("allows 16 informational responses", async () => {
    const { response, sent } = open();
    for (let i = 0; i < 16; i += 1) {
      response.writeHead(102);
    }
    expect(sent).toHaveLength(16);
    await expect(response.informational(102)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(() => response.writeHead(102)).toThrow(/at most 16/);
  });

  it("keeps one of the 16 for the 100 that the body needs", async () => {
    const { response, sent } = open({ init: { expectContinue: true } });
    for (let i = 0; i < 15; i += 1) {
      response.writeHead(102);
    }
    await expect(response.informational(102)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(response.askForBody()).toBeUndefined();
    expect(sent.at(-1)).toEqual({ informational: [{ status: 100, headers: [] }] });
  });

  it("sends a 100 only to who waits for it, and once", async () => {
    const unasked = open();
    await unasked.response.informational(100);
    expect(unasked.sent).toEqual([]);
    const asked = open({ init: { expectContinue: true } });
    await asked.response.informational(100);
    expect(asked.response.askForBody()).toBeUndefined();
    expect(asked.sent).toHaveLength(1);
  });

  it("can't ask for the body behind the head", () => {
    const { response } = open({ init: { expectContinue: true } });
    response.writeHead(200);
    expect(response.askForBody()).toMatchObject({ code: "already-committed" });
  });

  it("extends the head's deadline while there is no head", async () => {
    const { response, sent } = open();
    response.extendHeadDeadline(5_000);
    expect(sent).toEqual([{ extendHeadMs: 5_000 }]);
    response.writeHead(200);
    response.extendHeadDeadline(5_000);
    expect(sent).toHaveLength(1);
    for (const ms of [0, -1, 1.5, Number.NaN, 4_294_967_296]) {
      expect(() => response.extendHeadDeadline(ms)).toThrow(/whole number from 1/);
    }
  });

  it("refuses a hijack with a typed error and can still answer", async () => {
    const impossible = open();
    await expect(impossible.response.hijack()).rejects.toMatchObject({
      code: "hijack-not-possible",
    });
    await impossible.response.end("still here");
    expect(impossible.sent[0]?.chunk).toEqual(Buffer.from("still here"));

    const late = open({ init: { hijackable: true } });
    late.response.writeHead(200);
    await expect(late.response.hijack()).rejects.toMatchObject({ code: "already-committed" });
    await late.response.end();
    expect(late.sent).toHaveLength(1);
  });

  it("takes the connection over once, with the head that came along", async () => {
    const { response, sent } = open({
      init: { hijackable: true, tunnelHead: new Uint8Array(Buffer.from("early")) },
    });
    const { socket, head } = await response.hijack();
    expect(head.toString()).toBe("early");
    expect(socket.allowHalfOpen).toBe(true);
    expect(sent).toEqual([{ hijack: true }]);
    await expect(response.hijack()).rejects.toMatchObject({ code: "already-hijacked" });
    await expect(response.write("x")).rejects.toMatchObject({ code: "already-hijacked" });
    await expect(response.end()).rejects.toMatchObject({ code: "already-hijacked" });
    socket.destroy();
  });
});

interface OpenOptions {
  readonly init?: Partial<RequestInit>;
  readonly room?: Promise<void>;
}

function open({ init = {}, room }: OpenOptions = {}) {
  const sent: ResponseParts[] = [];
  const resets: ServeHTTPError[] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const requestAborts: ServeHTTPError[] = [];
  const channel = new MemoryChannel({
    onParts: (parts) => {
      sent.push(parts);
      return room;
    },
    onReset: (error) => resets.push(error),
  });
  const response = new ResponseSender(
    channel,
    { ...plainInit, ...init },
    {
      abort: (error) => requestAborts.push(error),
      answered: () => undefined,
      hijacked: () => undefined,
    },
    {
      warn: (_details, message) => warnings.push(message),
      error: (_details, message) => errors.push(message),
    },
  );
  return { channel, response, sent, resets, warnings, errors, requestAborts };
}

const plainInit: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "plugin.test",
  remoteAddress: "192.0.2.1:50000",
  headers: [],
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "test",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: false,
};

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
