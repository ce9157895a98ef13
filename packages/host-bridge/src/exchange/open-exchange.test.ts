import { PassThrough } from "node:stream";
import type { ResponseInit } from "@servehttp/contract";
import { until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { MemoryExchange } from "../test-rig/memory-exchange.js";
import { PairedStream } from "../test-rig/paired-stream.js";
import { openExchange } from "./open-exchange.js";

const ok: ResponseInit = { status: 200, headers: [] };
const upload = { init: { method: "POST", contentLength: -1, url: "/a?secret=1" } };

function look({ exchange }: MemoryExchange) {
  const { progress } = exchange;
  return progress && openExchange(exchange.init, "notes", progress);
}

describe("an exchange that is open", () => {
  it("says what it is, and when it began, without the query", () => {
    const one = new MemoryExchange(upload);
    const open = look(one);
    expect(open).toMatchObject({ id: "1", plugin: "notes", method: "POST", path: "/a" });
    const begun = performance.timeOrigin + performance.now() - (open?.ageMs ?? 0);
    expect(Math.abs((open?.startedAt.getTime() ?? 0) - begun)).toBeLessThan(1_000);
    // Whenever somebody looks: pages of exchanges are ordered by it.
    for (let looks = 0; looks < 1_000; looks += 1) {
      expect(look(one)?.startedAt).toEqual(open?.startedAt);
    }
  });

  it("waits for the plugin to answer, and then to go on", () => {
    const one = new MemoryExchange();
    expect(look(one)).toMatchObject({
      state: "unanswered",
      status: undefined,
      waitsFor: "plugin-to-write",
    });
    void one.exchange.receive({ init: ok });
    expect(look(one)).toMatchObject({ state: "headed", status: 200, waitsFor: "plugin-to-write" });
    void one.exchange.receive({ chunk: Buffer.from("four") });
    expect(look(one)).toMatchObject({ state: "responding", responseBytes: 4 });
    void one.exchange.receive({ end: { trailers: [] } });
    expect(look(one)).toBeUndefined();
  });

  it("waits for the client to send the rest of its body", async () => {
    const one = new MemoryExchange(upload);
    one.body.write("three");
    await until(() => look(one)?.requestBytes === 5, "the bytes to go");
    expect(look(one)?.waitsFor).toBe("client-to-send");
    one.body.end();
    await until(() => look(one)?.waitsFor === "plugin-to-write", "the end of the body");
  });

  it("waits for the plugin to read where it has given no more credit", async () => {
    const one = new MemoryExchange(upload);
    one.channel.room = Promise.withResolvers();
    one.body.write("first");
    await until(() => look(one)?.waitsFor === "plugin-to-read", "no credit");
    const { room } = one.channel;
    one.channel.room = undefined;
    room?.resolve();
    await until(() => look(one)?.waitsFor !== "plugin-to-read", "credit");
    expect(look(one)?.waitsFor).toBe("client-to-send");
  });

  it("waits for the client to read, until it has taken every chunk", async () => {
    const one = new MemoryExchange();
    one.response.room = Promise.withResolvers();
    const taken = one.exchange.receive({ init: ok, chunk: Buffer.from("x") });
    expect(look(one)?.waitsFor).toBe("client-to-read");
    one.response.room.resolve();
    await taken;
    expect(look(one)?.waitsFor).toBe("plugin-to-write");
  });

  it("as a tunnel counts both ways, and waits for whoever does not read", async () => {
    const one = new MemoryExchange();
    const [inward, outward] = [new PassThrough(), new PassThrough()];
    one.response.socket = PairedStream.over(inward, outward);
    void one.exchange.receive({ hijack: true });
    inward.write("to the plugin");
    void one.exchange.receive({ tunnelChunk: Buffer.from("to the client") });
    await until(() => look(one)?.requestBytes === 13, "bytes at the plugin");
    expect(look(one)).toMatchObject({
      state: "tunnel",
      responseBytes: 13,
      waitsFor: undefined,
    });
    one.channel.room = Promise.withResolvers();
    inward.write("more");
    await until(() => look(one)?.waitsFor === "plugin-to-read", "no credit");
    one.channel.room.resolve();
    await until(() => look(one)?.waitsFor === undefined, "credit");
    void one.exchange.receive({ tunnelChunk: Buffer.alloc(1_000_000) });
    expect(look(one)?.waitsFor).toBe("client-to-read");
  });
});
