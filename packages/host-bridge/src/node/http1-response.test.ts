import { createServer, type ServerResponse } from "node:http";
import compression from "compression";
import { describe, expect, it } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

const host = "Host: a";

describe("Http1Response", () => {
  it("answers many requests on one connection, whatever became of the one before", async () => {
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.url === "/throws") {
          throw new Error("on purpose");
        }
        await response.end(request.url);
      },
    });
    using client = await RawClient.connect(bridge.port);
    for (let round = 0; round < 3; round += 1) {
      client.send("GET /plugins/notes/throws HTTP/1.1", host, "", "");
      expect(await client.take("The plugin failed.\n")).toMatch(/^HTTP\/1\.1 500 /);
      client.send(`GET /plugins/notes/${round} HTTP/1.1`, host, "", "");
      expect(await client.take(`\r\n\r\n/${round}`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      client.send("HEAD /plugins/notes/head HTTP/1.1", host, "", "");
      expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it("reads what is left of an early answer's request, and then the next request", async () => {
    await using bridge = await Bridge.start({
      serveHTTP: (request, response) => response.end(`early ${request.url}`),
    });
    using client = await RawClient.connect(bridge.port);
    client.send("POST /plugins/notes/1 HTTP/1.1", host, "Content-Length: 100000", "", "");
    await client.take("early /1");
    client.send("x".repeat(100_000));
    client.send("GET /plugins/notes/2 HTTP/1.1", host, "", "");
    await client.take("early /2");
    expect(bridge.inFlight).toBe(0);
  });

  it("closes behind an early answer whose request goes on and on, so that the answer arrives", async () => {
    await using bridge = await Bridge.start({
      serveHTTP: (_request, response) => response.end("early"),
    });
    using client = await RawClient.connect(bridge.port);
    client.send("POST /plugins/notes/1 HTTP/1.1", host, "Content-Length: 100000000", "", "");
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (!client.socket.destroyed && client.socket.write(chunk)) {
        // Until the host takes no more.
      }
    };
    client.socket.on("drain", more);
    more();
    await client.take("early");
    await client.closed();
    expect(client.socket.bytesWritten).toBeLessThan(100_000_000);
  });

  it.each(["HTTP/1.0", "HTTP/1.1"])(
    "lets an early answer arrive on a connection of %s that ends with it",
    async (version) => {
      await using bridge = await Bridge.start({
        serveHTTP: (_request, response) => response.end("early"),
      });
      for (let round = 0; round < 20; round += 1) {
        using client = await RawClient.connect(bridge.port);
        client.send(
          `POST /plugins/notes/1 ${version}`,
          host,
          "Connection: close",
          "Content-Length: 1000000",
          "",
          "",
        );
        const chunk = Buffer.alloc(65_536);
        const more = () => {
          while (!client.socket.destroyed && client.socket.write(chunk)) {
            // Until the host takes no more.
          }
        };
        client.socket.on("drain", more);
        more();
        await client.closed();
        expect(client.received).toMatch(/early$/);
      }
    },
  );

  it("asks for a body that the client holds back when the plugin first reads it, once", async () => {
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        await response.informational(103, []);
        await response.end(await request.text());
      },
    });
    using client = await RawClient.connect(bridge.port);
    for (const body of ["one", "two"]) {
      client.send(
        "POST /plugins/notes/ HTTP/1.1",
        host,
        "Expect: 100-continue",
        "Content-Length: 3",
        "",
        "",
      );
      expect(await client.take("HTTP/1.1 100 Continue\r\n\r\n")).not.toContain("200 OK");
      client.send(body);
      const answer = await client.take(`\r\n\r\n${body}`);
      expect(answer).not.toContain("100 Continue");
    }
  });

  it.each([
    ["a plugin that does not read", "notes", "403 Forbidden"],
    ["the host, for a plugin that is not there", "none", "404 Not Found"],
  ])("closes behind a refusal by %s of a body that is held back", async (_by, id, status) => {
    await using bridge = await Bridge.start({
      async serveHTTP(_request, response) {
        response.writeHead(403);
        await response.end("no");
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send(
      `POST /plugins/${id}/ HTTP/1.1`,
      host,
      "Expect: 100-continue",
      "Content-Length: 3",
      "",
      "",
    );
    await until(() => client.ended, "the host ends the connection");
    expect(client.received).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
    expect(client.received.toLowerCase()).toContain("connection: close");
    expect(client.received).not.toContain("100 Continue");
  });

  it("ends the exchange of a pipelined request when the client leaves", async () => {
    const signals: AbortSignal[] = [];
    await using bridge = await Bridge.start({
      async serveHTTP(request) {
        signals.push(request.signal);
        await new Promise(() => undefined);
      },
    });
    using client = await RawClient.connect(bridge.port);
    const get = ["GET /plugins/notes/ HTTP/1.1", host, "", ""];
    client.send(get.join("\r\n") + get.join("\r\n"));
    await until(() => signals.length === 2, "both handlers run");
    client.socket.destroy();
    await until(() => bridge.inFlight === 0, "no exchange is left");
    await until(() => signals.every(({ aborted }) => aborted), "both handlers hear of it");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ "client-disconnected": 2 });
  });

  it("answers pipelined requests in their order", async () => {
    const slow = Promise.withResolvers<void>();
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.url === "/1") {
          await slow.promise;
        }
        await response.informational(103, [["link", request.url]]);
        await response.write(`<${request.url}>`);
        await response.flush();
        await response.end(`</${request.url}>`);
        slow.resolve();
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send(
      ["GET /plugins/notes/1 HTTP/1.1", host, "", ""].join("\r\n") +
        ["GET /plugins/notes/2 HTTP/1.1", host, "", ""].join("\r\n"),
    );
    const first = await client.take("<//1>");
    expect(first).not.toContain("<//2>");
    await client.take("<//2>");
  });

  it("answers a response that announces trailers and has none", async () => {
    await using bridge = await Bridge.start({
      async serveHTTP(_request, response) {
        response.headers.set("trailer", "x-sum");
        await response.end("body");
      },
    });
    using client = await RawClient.connect(bridge.port);
    for (let round = 0; round < 2; round += 1) {
      client.send("GET /plugins/notes/ HTTP/1.1", host, "", "");
      expect(await client.take("body\r\n0\r\n\r\n")).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    }
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 2 });
  });

  it("sends trailers where the response is chunked", async () => {
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.url === "/length") {
          response.headers.set("content-length", "4");
        }
        response.trailers.append("x-sum", "1");
        response.trailers.append("x-sum", "2");
        await response.end("body");
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/ HTTP/1.1", host, "", "");
    await client.take("0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n");
    client.send("GET /plugins/notes/length HTTP/1.1", host, "", "");
    expect(await client.take("body")).not.toContain("chunked");
    client.send("HEAD /plugins/notes/ HTTP/1.1", host, "", "");
    await client.take("\r\n\r\n");
    client.send("GET /plugins/notes/ HTTP/1.0", host, "", "");
    await until(() => client.ended, "the end of the connection");
    expect(client.received).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nbody$/);
  });

  it("keeps bytes of fields as they are when the head of a response without a body is flushed", async () => {
    let go = Promise.withResolvers<void>();
    await using bridge = await Bridge.start({
      async serveHTTP(_request, response) {
        response.headers.set("x-name", "caf\xe9");
        await response.flush();
        await go.promise;
        await response.end();
      },
    });
    using client = await RawClient.connect(bridge.port);
    for (const method of ["HEAD", "GET"]) {
      client.send(`${method} /plugins/notes/ HTTP/1.1`, host, "", "");
      expect(await client.take("\r\n\r\n")).toContain("x-name: caf\xe9\r\n");
      go.resolve();
      await until(() => bridge.inFlight === 0, "the exchange is over");
      go = Promise.withResolvers<void>();
    }
    await client.take("0\r\n\r\n");
  });

  it("adds up with the fields of middleware in front, however it hears of the head", async () => {
    const seen: unknown[] = [];
    await using bridge = await Bridge.start(
      {
        async serveHTTP(_request, response) {
          response.headers.append("set-cookie", "a=1");
          response.headers.append("set-cookie", "b=2");
          response.headers.set("x-frame-options", "DENY");
          await response.end("body");
        },
      },
      {
        attach: false,
        wire: (server, pluginHost) => {
          server.on("request", (request, response: ServerResponse) => {
            response.setHeader("Set-Cookie", ["host=1"]);
            response.setHeader("X-Frame-Options", "SAMEORIGIN");
            response.setHeader("X-Powered-By", "middleware");
            if (request.headers["x-patched"] === "1") {
              patchAsOldOnHeaders(response, () => seen.push(response.getHeader("content-length")));
            }
            pluginHost.listener(request, response);
          });
        },
      },
    );
    for (const patched of ["0", "1"]) {
      using client = await RawClient.connect(bridge.port);
      client.send("GET /plugins/notes/ HTTP/1.1", host, `X-Patched: ${patched}`, "", "");
      const lines = (await client.take("body")).split("\r\n").map((line) => line.toLowerCase());
      const cookies = lines.filter((line) => line.startsWith("set-cookie"));
      expect(cookies.toSorted()).toEqual([
        "set-cookie: a=1",
        "set-cookie: b=2",
        "set-cookie: host=1",
      ]);
      expect(lines.filter((line) => line.startsWith("x-"))).toEqual(
        expect.arrayContaining(["x-frame-options: deny", "x-powered-by: middleware"]),
      );
      expect(lines.filter((line) => line.startsWith("x-frame"))).toHaveLength(1);
      expect(lines).toContain("content-length: 4");
    }
    expect(seen).toEqual(["4"]);
  });

  it("streams through a compressing middleware, flush by flush, and leaves no listener there", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on("warning", onWarning);
    const bodyBytes = 4_000_000;
    await using bridge = await Bridge.start(
      {
        async serveHTTP(request, response) {
          response.headers.set("content-type", "text/plain");
          if (request.url === "/large") {
            for (let left = bodyBytes; left > 0; left -= 50_000) {
              await response.write(noise.subarray(0, 50_000));
            }
            await response.end();
            return;
          }
          await response.write("first");
          await response.flush();
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        },
      },
      {
        attach: false,
        wire: (server, pluginHost) => {
          const compress = compression({ threshold: 0 });
          server.on("request", (request, response) => {
            compress(request as never, response as never, () => {
              pluginHost.listener(request, response);
            });
          });
        },
      },
    );
    const url = `http://127.0.0.1:${bridge.port}/plugins/notes`;
    const leave = new AbortController();
    const events = await fetch(`${url}/events`, { signal: leave.signal });
    expect(events.headers.get("content-encoding")).not.toBeNull();
    const reader = events.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
    leave.abort();
    const large = await fetch(`${url}/large`);
    expect((await large.bytes()).length).toBe(bodyBytes);
    await until(() => bridge.inFlight === 0, "no exchange is left");
    await turns(2);
    process.off("warning", onWarning);
    expect(warnings.map(String)).toEqual([]);
  });

  it("writes nothing where somebody else has answered in the meantime", async () => {
    const answers: ServerResponse[] = [];
    const go = Promise.withResolvers<void>();
    await using bridge = await Bridge.start(
      {
        async serveHTTP(_request, response) {
          await go.promise;
          await response.end("late");
        },
      },
      {
        server: createServer((_request, response) => void response.end("not ours")),
        wire: (server) => {
          server.prependListener("request", (_request, response: ServerResponse) => {
            answers.push(response);
          });
        },
        attach: false,
      },
    );
    bridge.server.removeAllListeners("request");
    bridge.server.on("request", (request, response: ServerResponse) => {
      answers.push(response);
      bridge.host.listener(request, response);
    });
    using client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/ HTTP/1.1", host, "", "");
    await until(() => bridge.inFlight === 1, "the exchange runs");
    answers[0]?.writeHead(503, { "Content-Length": 4 });
    answers[0]?.write("ti");
    go.resolve();
    await until(() => bridge.inFlight === 0, "the exchange is over");
    answers[0]?.end("me");
    expect(await client.take("time")).toMatch(/^HTTP\/1.1 503 /);
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ "client-disconnected": 1 });
  });
});

/** Bytes that do not compress. */
const noise = new Uint8Array(65_536).map(
  (_, index) => (Math.imul(index, 2_654_435_761) >>> 13) & 255,
);

/** As `on-headers` up to 1.0.2 did, which takes an array for one of pairs. */
function patchAsOldOnHeaders(response: ServerResponse, listener: () => void): void {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = (status: number, ...rest: unknown[]): ServerResponse => {
    response.statusCode = status;
    for (const [name, value] of (rest[0] ?? []) as [string, string][]) {
      response.setHeader(name, value);
    }
    listener();
    return writeHead(status);
  };
}
