import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Logger } from "@servehttp/contract";
import { callHandler } from "./testing.js";

describe("callHandler", () => {
  it("calls with a GET of / when nothing else is said", async () => {
    const response = await callHandler({
      async serveHTTP(request, writer) {
        await writer.end(JSON.stringify([request.method, request.url, request.host, request.id]));
      },
    }).response;
    expect(await response.json()).toEqual(["GET", "/", "plugin.test", "test"]);
  });

  it("shows informational responses, head extensions, flushes and trailers", async () => {
    const call = callHandler({
      async serveHTTP(_request, response) {
        await response.informational(103, [["link", "</a>"]]);
        response.extendHeadDeadline(60_000);
        response.trailers.set("x-sum", "7");
        await response.flush();
        await response.end("x");
      },
    });
    const response = await call.response;
    expect(await response.text()).toBe("x");
    expect((await response.trailers).get("X-Sum")).toBe("7");
    expect(call.informational.map(({ status, headers }) => [status, ...headers])).toEqual([
      [103, ["link", "</a>"]],
    ]);
    expect(call.headExtensionsMs).toEqual([60_000]);
    expect(call.flushCount).toBe(1);
  });

  it("sends a body as the test writes it", async () => {
    const body = new PassThrough();
    const call = callHandler(
      {
        async serveHTTP(request, response) {
          for await (const chunk of request.body) {
            await response.write(chunk);
          }
        },
      },
      { method: "POST", body },
    );
    body.write("ping");
    const chunks = (await call.response).body[Symbol.asyncIterator]();
    const first = await chunks.next();
    expect(Buffer.from((first.value ?? []) as Uint8Array).toString()).toBe("ping");
    body.end();
    expect((await chunks.next()).done).toBe(true);
  });

  it("gives the exchange up with any code", async () => {
    const seen = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    const call = callHandler({
      serveHTTP(request) {
        request.signal.addEventListener("abort", () => seen.resolve(request.signal.reason));
        started.resolve();
        return new Promise(() => undefined);
      },
    });
    await started.promise;
    call.abort("deadline");
    expect(await seen.promise).toMatchObject({ code: "deadline" });
    await expect(call.response).rejects.toMatchObject({ code: "deadline" });
  });

  it("refuses a request that can't be", () => {
    const call = (): unknown =>
      callHandler({ serveHTTP: () => undefined }, { headers: [["a b", "c"]] });
    expect(call).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it("tells the given logger why a handler failed", async () => {
    const details: Readonly<Record<string, unknown>>[] = [];
    const logger: Logger = { warn: () => undefined, error: (detail) => details.push(detail) };
    const call = callHandler({ serveHTTP: () => Promise.reject(new Error("why")) }, {}, { logger });
    await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
    expect(details).toEqual([expect.objectContaining({ err: new Error("why") })]);
  });

  it("is the client's end of a connection that the handler takes over", async () => {
    const call = callHandler(
      {
        async serveHTTP(_request, response) {
          const { socket } = await response.hijack();
          for await (const chunk of socket) {
            socket.end(`got ${String(chunk)}`);
          }
        },
      },
      { hijackable: true },
    );
    const tunnel = await call.tunnel;
    tunnel.end("this");
    const [answer] = (await once(tunnel, "data")) as [Buffer];
    expect(answer.toString()).toBe("got this");
  });

  it("rejects the tunnel of a handler that takes none", async () => {
    const call = callHandler(
      { serveHTTP: () => Promise.reject(new Error("no")) },
      { hijackable: true },
    );
    await expect(call.tunnel).rejects.toMatchObject({ code: "handler-failed" });
  });
});
