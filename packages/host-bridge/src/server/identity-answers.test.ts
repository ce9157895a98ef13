import { once } from "node:events";
import { connect } from "node:http2";
import { createServer as createHttp2Server } from "node:http2";
import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import type { HostOptions } from "../options/options.js";
import { Bridge } from "../test-rig/bridge.js";
import { logRecords } from "../test-rig/log-records.js";

type Identity = NonNullable<HostOptions["identity"]>;

async function bridgeOf(identity: Identity, options: Parameters<typeof Bridge.start>[1] = {}) {
  const { logger, records } = logRecords("warn");
  let calls = 0;
  const bridge = await Bridge.start(
    {
      async serveHTTP(_request, response) {
        calls += 1;
        await response.end("hello");
      },
    },
    { ...options, host: { ...options.host, identity, logger } },
  );
  return {
    bridge,
    records,
    calls: () => calls,
    ask: (init?: RequestInit) => fetch(`http://127.0.0.1:${bridge.port}/plugins/notes/x`, init),
    [Symbol.asyncDispose]: () => bridge[Symbol.asyncDispose](),
  };
}

describe("what identity answers in the plugin's place", () => {
  const refuse = () =>
    new Response("log in first", {
      status: 401,
      headers: [
        ["www-authenticate", "Bearer"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["content-length", "9999"],
        ["connection", "x-gone"],
        ["x-gone", "1"],
      ],
    });

  it.each([
    ["at once", refuse],
    ["later", async () => refuse()],
  ])("goes to the client, %s, and the plugin is not asked", async (_when, identity) => {
    await using rig = await bridgeOf(identity, { host: { edge: { protectedCookies: ["a"] } } });
    for (const init of [undefined, { method: "POST", body: "x".repeat(100_000) }]) {
      const response = await rig.ask(init);
      expect([response.status, await response.text()]).toEqual([401, "log in first"]);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(response.headers.get("content-length")).toBe("12");
      expect(response.headers.has("x-gone")).toBe(false);
    }
    const head = await rig.ask({ method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([401, ""]);
    expect([rig.calls(), rig.records]).toEqual([0, []]);
  });

  it("refuses upgrades", async () => {
    await using rig = await bridgeOf(refuse);
    const socket = new WebSocket(`ws://127.0.0.1:${rig.bridge.port}/plugins/notes/x`);
    const [error] = await once(socket, "error");
    expect(error).toBeDefined();
    expect([rig.calls(), rig.records]).toEqual([0, []]);
  });

  it("goes to clients of HTTP/2", async () => {
    await using rig = await bridgeOf(refuse, { server: createHttp2Server() });
    const session = connect(`http://127.0.0.1:${rig.bridge.port}`);
    const stream = session.request({ ":path": "/plugins/notes/x" });
    const [headers] = await once(stream, "response");
    expect(headers).toMatchObject({ ":status": 401, "set-cookie": ["a=1", "b=2"] });
    stream.resume();
    await once(stream, "close");
    session.close();
  });

  it("is 500 where the response can't be given, and 503 where who the client is can't be known now", async () => {
    const big = () => new Response(Buffer.alloc(1_048_577));
    const answers: Readonly<Record<string, () => unknown>> = {
      big,
      error: () => Response.error(),
      unavailable: () => {
        throw new ServeHTTPError("unavailable", "the directory is down");
      },
      later: async () => {
        throw new ServeHTTPError("unavailable", "the directory is down");
      },
    };
    await using rig = await bridgeOf((request) => {
      const answer = answers[String(request.headers["x-answer"])];
      return answer?.() as ReturnType<Identity>;
    });
    const status = async (name: string) => {
      const response = await rig.ask({ headers: { "x-answer": name } });
      await response.text();
      return [response.status, response.headers.get("retry-after")];
    };
    expect(await status("big")).toEqual([500, null]);
    expect(await status("error")).toEqual([500, null]);
    expect(await status("unavailable")).toEqual([503, "1"]);
    expect(await status("later")).toEqual([503, "1"]);
    expect(rig.calls()).toBe(0);
    expect(rig.records.map(({ err }) => (err as Error).message)).toEqual([
      "identity: returned a response with more than 1048576 bytes",
      "identity: returned a response with the status 0",
      "the directory is down",
      "the directory is down",
    ]);
  });
});
