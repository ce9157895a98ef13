import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, it } from "vitest";
import { Call } from "../call.js";

/** What a client sees of engine-plugin.ts, whatever engine it or its host runs on. `origin` gives the plugin's URL, without a slash. */
export function itServesEverything(origin: () => string): void {
  it("takes an upload of 1 MiB", async () => {
    const body = randomBytes(1_048_576);
    const response = await fetch(`${origin()}/hash`, { method: "POST", body });
    expect(await response.text()).toBe(sha256(body));
  });

  it("echoes 1 MiB while it comes, on 20 connections one after the other", async () => {
    for (let round = 0; round < 20; round++) {
      const body = randomBytes(1_048_576);
      const call = new Call(`${origin()}/echo`, { method: "POST" });
      const sending = (async () => {
        for (let at = 0; at < body.length; at += 50_000) {
          await call.write(body.subarray(at, at + 50_000));
        }
        call.end();
      })();
      const [result] = await Promise.all([call.result(), sending]);
      expect([result.status, sha256(result.body)]).toEqual([200, sha256(body)]);
    }
  });

  it("sends events as they happen, and aborts the signal when their client leaves", async () => {
    const call = new Call(`${origin()}/events`);
    call.end();
    const events = (await call.response())[Symbol.asyncIterator]();
    expect(String((await events.next()).value)).toBe("data: 1\n\n");
    for (let number = 2; number < 6; number++) {
      expect(await (await fetch(`${origin()}/next-event`)).text()).toBe("1");
      expect(String((await events.next()).value)).toBe(`data: ${number}\n\n`);
    }
    call.destroy();
    expect(await (await fetch(`${origin()}/left`)).text()).toBe("client-disconnected");
    expect(await (await fetch(`${origin()}/next-event`)).text()).toBe("0");
  });

  it("passes informational responses and trailers on", async () => {
    const call = new Call(`${origin()}/around`, { headers: { TE: "trailers" } });
    call.end();
    const { status, body, rawTrailers } = await call.result();
    expect(call.informational).toEqual([103]);
    expect([status, String(body), ...rawTrailers]).toEqual([
      200,
      "in between",
      "X-Trailer",
      "behind",
    ]);
  });

  it("breaks a response whose handler fails halfway", async () => {
    const call = new Call(`${origin()}/broken`);
    call.end();
    const body = (await call.response())[Symbol.asyncIterator]();
    expect(String((await body.next()).value)).toBe("half of it");
    await fetch(`${origin()}/break`);
    await expect(body.next()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("answers before the body has come", async () => {
    const call = new Call(`${origin()}/early`, { method: "POST" });
    await call.write(Buffer.from("the first of much"));
    expect(await call.result()).toMatchObject({ status: 413, body: Buffer.from("too much") });
    call.destroy();
  });

  it("fails the body of an upload that is cut off", async () => {
    const call = new Call(`${origin()}/cut`, { method: "POST" });
    await call.write(Buffer.from("half of it"));
    await call.response();
    call.destroy();
    expect(await (await fetch(`${origin()}/was-cut`)).text()).toBe("cut off");
  });

  it("asks for the body of a client that expects to be asked, or refuses it unasked", async () => {
    const headers = { Expect: "100-continue" };
    const asked = new Call(`${origin()}/hash`, { method: "POST", headers });
    await asked.continued();
    asked.end();
    expect((await asked.result()).status).toBe(200);
    const refused = new Call(`${origin()}/early`, { method: "POST", headers });
    refused.flushHeaders();
    expect((await refused.result()).status).toBe(413);
    expect(refused.informational).toEqual([]);
    refused.destroy();
  });

  it("takes a WebSocket over", async () => {
    const socket = new WebSocket(`${origin().replace("http", "ws")}/websocket`);
    socket.binaryType = "arraybuffer";
    await once(socket, "open");
    for (const bytes of [0, 1, 125, 126, 60_000]) {
      const message = randomBytes(bytes);
      const echoed = once(socket, "message");
      socket.send(message);
      const [{ data }] = await echoed;
      expect(sha256(new Uint8Array(data))).toBe(sha256(message));
    }
    const closed = once(socket, "close");
    socket.close(1000);
    const [{ code, wasClean }] = await closed;
    expect([code, wasClean]).toEqual([1000, true]);
  });
}

/** The same of its calls to itself. `id` is its own at the host, which lets it call that. */
export function itCallsPlugins(origin: () => string, id: string): void {
  it("calls plugins, with bodies that stream both ways", async () => {
    expect(await (await fetch(`${origin()}/caller`)).text()).toBe("nobody");
    expect(await (await fetch(`${origin()}/call/caller`)).text()).toBe(id);
    const call = new Call(`${origin()}/call/echo`, { method: "POST" });
    const body = randomBytes(1_048_576);
    await call.write(body.subarray(0, 1_000));
    const chunks = (await call.response())[Symbol.asyncIterator]();
    expect((await chunks.next()).value).toEqual(body.subarray(0, 1_000));
    const rest = (async () => {
      await call.write(body.subarray(1_000));
      call.end();
    })();
    let echoed = Buffer.alloc(0);
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
      echoed = Buffer.concat([echoed, chunk]);
    }
    await rest;
    expect(sha256(echoed)).toBe(sha256(body.subarray(1_000)));
    expect((await fetch(`${origin()}/call/early`, { method: "POST" })).status).toBe(413);
  });

  it("cancels a call when the client of the exchange leaves", async () => {
    const call = new Call(`${origin()}/call/hang`);
    call.end();
    const body = (await call.response())[Symbol.asyncIterator]();
    expect(String((await body.next()).value)).toBe("and then");
    call.destroy();
    expect(await (await fetch(`${origin()}/hung`)).text()).toBe("client-disconnected");
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
