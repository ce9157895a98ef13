import { createHash, randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type EventEmitter, once } from "node:events";
import {
  createServer,
  IncomingMessage,
  request as requestOverSocket,
  Server,
  type ServerOptions,
  ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Logger } from "@servehttp/contract";
import { callHandler, type TestCall } from "../testing/testing.js";
import { pluginRequestOf } from "./node-request.js";

// What a listener sees and what its client gets, by a server of Node's as the reference, and in a
// plugin.
describe.each([
  ["node:http", serveDirectly],
  ["a plugin", serveAsPlugin],
])("a listener served by %s", (_name, serve) => {
  it("answers with status, header lines and body", async () => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.setHeader("X-One", "1");
      outgoing.setHeader("Set-Cookie", ["a=1", "b=2"]);
      outgoing.writeHead(201, { "X-Two": 2 });
      outgoing.end("hello");
    });
    expect(answer.status).toBe(201);
    expect(answer.fields("x-one")).toEqual(["1"]);
    expect(answer.fields("x-two")).toEqual(["2"]);
    expect(answer.fields("set-cookie")).toEqual(["a=1", "b=2"]);
    expect(answer.body.toString()).toBe("hello");
  });

  it("declares the length of a body that is written at once, and of none", async () => {
    const whole = await serve((_incoming, outgoing) => outgoing.end("hällo"));
    expect(whole.fields("content-length")).toEqual(["6"]);
    const none = await serve((_incoming, outgoing) => outgoing.end());
    expect(none.fields("content-length")).toEqual(["0"]);
    const parts = await serve((_incoming, outgoing) => {
      outgoing.write("a");
      outgoing.end("b");
    });
    expect(parts.fields("content-length")).toEqual([]);
    expect(parts.body.toString()).toBe("ab");
  });

  it.each([
    [["X-A", "1", "X-A", "2"]],
    [
      [
        ["X-A", "1"],
        ["X-A", "2"],
      ],
    ],
    [{ "X-A": ["1", "2"] }],
  ])("takes headers of writeHead in the form %j", async (headers) => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.writeHead(200, headers as unknown as string[]);
      outgoing.end();
    });
    expect(answer.fields("x-a")).toEqual(["1", "2"]);
  });

  it("counts what was written to the connection, before it has gone out", async () => {
    const counts: number[] = [];
    await serve((incoming, outgoing) => {
      outgoing.writeHead(200);
      outgoing.write(randomBytes(100_000));
      outgoing.write(randomBytes(200_000));
      outgoing.on("finish", () => counts.push(incoming.socket.bytesWritten));
      // Node 26 hands its connection nothing before the end of the tick.
      setImmediate(() => {
        counts.push(incoming.socket.bytesWritten);
        outgoing.end("the end");
      });
    });
    const [early, atLast] = counts;
    expect(early).toBeGreaterThanOrEqual(100_000);
    expect(atLast).toBeGreaterThanOrEqual(300_007);
    expect(atLast).toBeLessThan(301_000);
  });

  it.each([204, 304])("sends no body with %d", async (status) => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.statusCode = status;
      outgoing.write("not allowed");
      outgoing.end("nor this");
    });
    expect(answer.status).toBe(status);
    expect(answer.body).toHaveLength(0);
    expect(answer.fields("content-length")).toEqual([]);
  });

  it("sends no body to HEAD, and keeps a declared length", async () => {
    const answer = await serve(
      (_incoming, outgoing) => {
        outgoing.setHeader("content-length", "5");
        outgoing.end("hello");
      },
      { method: "HEAD" },
    );
    expect(answer.body).toHaveLength(0);
    expect(answer.fields("content-length")).toEqual(["5"]);
  });

  it("tells the same story by events: a request without a body", async () => {
    const { events } = await serve((incoming, outgoing, note) => {
      note(incoming, "req", ["end", "close", "aborted", "error"]);
      note(outgoing, "res", ["finish", "close", "error"]);
      outgoing.end("x");
    });
    // Node 26 ends the request before it closes the response.
    expect(events.filter((event) => event.startsWith("req"))).toEqual(["req end", "req close"]);
    expect(events.filter((event) => event.startsWith("res"))).toEqual(["res finish", "res close"]);
  });

  it("tells the same story by events: a body that is read", async () => {
    const { events } = await serve(
      (incoming, outgoing, note) => {
        note(incoming, "req", ["end", "close", "aborted"]);
        note(outgoing, "res", ["finish", "close"]);
        incoming.on("close", () => outgoing.end("x"));
        incoming.resume();
      },
      { method: "POST", body: "abc" },
    );
    expect(events).toEqual(["req end", "req close", "res finish", "res close"]);
  });

  it("tells the same story by events: a body that is paused when the response ends", async () => {
    const { events } = await serve(
      (incoming, outgoing, note) => {
        note(outgoing, "res", ["finish", "close", "error"]);
        incoming.on("error", () => expect.unreachable());
        incoming.once("data", () => {
          incoming.pause();
          outgoing.end("x", () => note(outgoing, "called back", ["close"]));
        });
      },
      { method: "POST", body: "abc" },
    );
    expect(events.slice(0, 2)).toEqual(["res finish", "res close"]);
  });

  it.each([
    [{ statusMessage: "Fine" }, "Fine"],
    [{ statusCode: 404, statusMessage: "caf\xe9" }, "caf\xe9"],
    [{ statusMessage: "OK" }, ""],
    [{ statusCode: 299 }, ""],
  ])("sends the reason phrase of a response with %j", async (properties, reason) => {
    const answer = await serve((_incoming, outgoing) => {
      Object.assign(outgoing, properties).end();
    });
    expect(answer.reason).toBe(reason);
  });

  it("sends the reason phrase that writeHead is given", async () => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.writeHead(200, "Very well", { "x-m": "1" }).end();
    });
    expect([answer.reason, answer.fields("x-m")]).toEqual(["Very well", ["1"]]);
  });

  it("throws where a strict response does not fit its length (P6)", async () => {
    const thrown: unknown[] = [];
    const attempt = (act: () => unknown): void => {
      try {
        act();
      } catch (error) {
        thrown.push((error as NodeJS.ErrnoException).code);
      }
    };
    const answer = await serve((_incoming, outgoing) => {
      outgoing.strictContentLength = true;
      outgoing.writeHead(200, { "Content-Length": 5 });
      outgoing.write("hell");
      attempt(() => outgoing.write("o!"));
      attempt(() => outgoing.end());
      attempt(() => outgoing.end("!!"));
      outgoing.end("o");
    });
    expect(thrown).toEqual(Array(3).fill("ERR_HTTP_CONTENT_LENGTH_MISMATCH"));
    expect(answer.body.toString()).toBe("hello");
  });

  it("makes requests and responses of the classes that its options name", async () => {
    class Request extends IncomingMessage {
      get agent(): string {
        return this.headers["user-agent"] ?? "nobody";
      }
    }
    class Response extends ServerResponse<Request> {
      override end(...parts: unknown[]): this {
        return super.end(`<${String(parts[0])}>`);
      }
    }
    const answer = await serve(
      (incoming, outgoing) => {
        expect(incoming).toBeInstanceOf(Request);
        outgoing.end((incoming as Request).agent);
      },
      {
        options: { IncomingMessage: Request, ServerResponse: Response as never },
        headers: [["User-Agent", "tester"]],
      },
    );
    expect(answer.body.toString()).toBe("<tester>");
  });

  it("joins the fields that the options of its server name", async () => {
    const answer = await serve(
      (incoming, outgoing) => {
        outgoing.writeHead(200, { "X-Unique": ["1", "2"], "X-Many": ["1", "2"] });
        outgoing.end(incoming.headers.authorization);
      },
      {
        options: { uniqueHeaders: ["x-unique"], joinDuplicateHeaders: true },
        headers: [
          ["Authorization", "one"],
          ["Authorization", "two"],
        ],
      },
    );
    expect(answer.fields("x-unique")).toEqual(["1; 2"]);
    expect(answer.fields("x-many")).toEqual(["1", "2"]);
    expect(answer.body.toString()).toBe("one, two");
  });

  it("refuses a body that is not allowed where the options of its server say so", async () => {
    let thrown: unknown;
    await serve(
      (_incoming, outgoing) => {
        outgoing.statusCode = 204;
        try {
          outgoing.write("not allowed");
        } catch (error) {
          thrown = error;
        }
        outgoing.end();
      },
      { options: { rejectNonStandardBodyWrites: true } },
    );
    expect(thrown).toMatchObject({ code: "ERR_HTTP_BODY_NOT_ALLOWED" });
  });

  it("sends an informational response that is written in pieces", async () => {
    const answer = await serve((_incoming, outgoing) => {
      const raw = outgoing as unknown as { _writeRaw(text: string): void };
      raw._writeRaw("HTTP/1.1 102 Processing\r\n");
      raw._writeRaw("Foo: Bar\r\n");
      raw._writeRaw("\r\n");
      outgoing.end("done");
    });
    expect(answer.informational.map(({ status }) => status)).toEqual([102]);
    expect(answer.body.toString()).toBe("done");
  });

  it("has the high water mark that the options of its server say", async () => {
    let marks: number[] = [];
    await serve(
      (incoming, outgoing) => {
        marks = [incoming.readableHighWaterMark, outgoing.writableHighWaterMark];
        outgoing.end();
      },
      { options: { highWaterMark: 12_345 } },
    );
    expect(marks).toEqual([12_345, 12_345]);
  });

  it("tells of a write after the end by an error of the response", async () => {
    const codes: (string | undefined)[] = [];
    const answer = await serve((_incoming, outgoing) => {
      outgoing.on("error", ({ code }: NodeJS.ErrnoException) => codes.push(code));
      outgoing.end("whole");
      expect(outgoing.write("more")).toBe(false);
    });
    expect(answer.body.toString()).toBe("whole");
    expect(codes).toEqual(["ERR_STREAM_WRITE_AFTER_END"]);
  });

  it("refuses trailers behind a declared length, and can still answer", async () => {
    let thrown: unknown;
    const answer = await serve((_incoming, outgoing) => {
      outgoing.setHeader("Trailer", "x-sum");
      try {
        outgoing.writeHead(200, { "Content-Length": "2" });
      } catch (error) {
        thrown = error;
      }
      outgoing.removeHeader("Trailer");
      outgoing.end("ok");
    });
    expect(thrown).toMatchObject({ code: "ERR_HTTP_TRAILER_INVALID" });
    expect(answer.body.toString()).toBe("ok");
  });

  it("shows of the connection what middleware looks at", async () => {
    let seen: unknown;
    await serve((incoming, outgoing) => {
      const { socket } = incoming;
      const methods =
        "address cork destroy destroySoon end pause ref resetAndDestroy resume setKeepAlive setNoDelay setTimeout uncork unref write";
      seen = {
        same: [incoming.connection, outgoing.socket, outgoing.connection].every(
          (one) => one === socket,
        ),
        message: (socket as unknown as { _httpMessage: unknown })._httpMessage === outgoing,
        server: (socket as unknown as { server: unknown }).server instanceof Server,
        encrypted: (socket as { encrypted?: boolean }).encrypted,
        certificate: typeof (socket as { getPeerCertificate?: unknown }).getPeerCertificate,
        address: [socket.remoteAddress, typeof socket.remotePort, socket.remoteFamily],
        state: [socket.readyState, socket.connecting, socket.pending, socket.destroyed],
        ways: [socket.readable, socket.writable, socket.allowHalfOpen],
        counts: [typeof socket.bytesRead, typeof socket.bytesWritten],
        marks: [socket.readableHighWaterMark, socket.writableHighWaterMark],
        methods: methods.split(" ").filter((name) => typeof socket[name as "end"] !== "function"),
      };
      outgoing.end();
    });
    expect(seen).toEqual({
      same: true,
      message: true,
      server: true,
      encrypted: undefined,
      certificate: "undefined",
      address: [expect.stringMatching(/^(?:127\.0\.0\.1|192\.0\.2\.1)$/), "number", "IPv4"],
      state: ["open", false, false, false],
      ways: [true, true, true],
      counts: ["number", "number"],
      marks: [65_536, 65_536],
      methods: [],
    });
  });

  // Requests have a signal from Node 24 on.
  describe.runIf("signal" in IncomingMessage.prototype)("that asks for the signal", () => {
    it("aborts the signal of a request whose client leaves, and of no other", async () => {
      const signals: AbortSignal[] = [];
      const listener: Listener = (incoming, outgoing) => {
        signals.push((incoming as IncomingMessage & { signal: AbortSignal }).signal);
        outgoing.write("begin");
        if (incoming.url === "/whole") {
          outgoing.end();
        }
      };
      await serve(listener, { url: "/whole" });
      await expect(serve(listener, { leaveAfterHead: true })).rejects.toThrow(broken);
      const [whole, left] = signals as [AbortSignal, AbortSignal];
      if (!left.aborted) {
        await once(left, "abort");
      }
      expect(whole.aborted).toBe(false);
    });
  });

  it("is seen by who subscribes to Node's channels of diagnostics", async () => {
    const seen: string[] = [];
    const onStart = (message: unknown) => {
      const { request, response, server } = message as Record<string, unknown>;
      const { url } = request as IncomingMessage;
      seen.push(`start ${url} ${response instanceof ServerResponse} ${server instanceof Server}`);
    };
    const onFinish = (message: unknown) => {
      const { response } = message as { response: ServerResponse };
      seen.push(`finish ${response.statusCode}`);
    };
    subscribe("http.server.request.start", onStart);
    subscribe("http.server.response.finish", onFinish);
    try {
      await serve((_incoming, outgoing) => outgoing.writeHead(201).end(), { url: "/x" });
    } finally {
      unsubscribe("http.server.request.start", onStart);
      unsubscribe("http.server.response.finish", onFinish);
    }
    expect(seen).toEqual(["start /x true true", "finish 201"]);
  });

  it("answers 417 to an expectation that it does not know", async () => {
    const answer = await serve(() => expect.unreachable(), { headers: [["Expect", "wonders"]] });
    expect(answer.status).toBe(417);
  });

  it("has a Content-Length of 0 for a POST without a body", async () => {
    const lengths: unknown[] = [];
    const listener: Listener = (incoming, outgoing) => {
      lengths.push(incoming.headers["content-length"]);
      outgoing.end();
    };
    await serve(listener, { method: "POST", body: "" });
    await serve(listener, { method: "GET" });
    expect(lengths).toEqual(["0", undefined]);
  });

  it("shows the state of a response as it goes", async () => {
    const states: unknown[] = [];
    await serve(async (_incoming, outgoing) => {
      const look = (): void => {
        const { headersSent, writableEnded, writableFinished, destroyed } = outgoing;
        states.push([headersSent, writableEnded, writableFinished, destroyed]);
      };
      look();
      outgoing.write("a");
      look();
      outgoing.end("b");
      look();
      await once(outgoing, "close");
      look();
    });
    expect(states).toEqual([
      [false, false, false, false],
      [true, false, false, false],
      // Whether it is finished by now differs between versions of Node.
      [true, true, expect.any(Boolean), false],
      [true, true, true, true],
    ]);
  });

  it("calls back writes and the end, in order", async () => {
    const calls: string[] = [];
    await serve((_incoming, outgoing) => {
      outgoing.write("a", () => calls.push("write"));
      outgoing.end("b", () => calls.push("end"));
    });
    expect(calls).toEqual(["write", "end"]);
  });

  it("parses the request's head", async () => {
    const seen = Promise.withResolvers<IncomingMessage>();
    await serve(
      (incoming, outgoing) => {
        seen.resolve(incoming);
        outgoing.end();
      },
      {
        method: "PUT",
        url: "/a%2Fb?q=1",
        headers: [
          ["X-A", "1"],
          ["X-A", "2"],
          ["Cookie", "b=2"],
        ],
        body: "xyz",
      },
    );
    const incoming = await seen.promise;
    expect(incoming.method).toBe("PUT");
    expect(incoming.url).toBe("/a%2Fb?q=1");
    expect(incoming.httpVersion).toBe("1.1");
    expect(incoming.headers).toMatchObject({ "x-a": "1, 2", cookie: "b=2", "content-length": "3" });
    expect(incoming.headersDistinct["x-a"]).toEqual(["1", "2"]);
    expect(incoming.headers.host).toBeTypeOf("string");
  });

  it("echoes a body, whole and in order, at the pace of the client", async () => {
    const octets = randomBytes(1_000_003);
    const answer = await serve((incoming, outgoing) => incoming.pipe(outgoing), {
      method: "POST",
      body: octets,
    });
    expect(sha256(answer.body)).toBe(sha256(octets));
  });

  it("reads a body of unknown length with its trailers", async () => {
    const seen = Promise.withResolvers<unknown>();
    await serve(
      async (incoming, outgoing) => {
        let text = "";
        for await (const chunk of incoming) {
          text += String(chunk);
        }
        seen.resolve([
          text,
          incoming.complete,
          incoming.trailers,
          incoming.headers["transfer-encoding"],
        ]);
        outgoing.end();
      },
      {
        method: "POST",
        body: Readable.from([Buffer.from("ab"), Buffer.from("c")]),
        trailers: [["X-Sum", "7"]],
      },
    );
    expect(await seen.promise).toEqual(["abc", true, { "x-sum": "7" }, "chunked"]);
  });

  it("sends trailers", async () => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.setHeader("Trailer", "X-Sum");
      outgoing.write("a");
      outgoing.addTrailers({ "X-Sum": "7" });
      outgoing.end();
    });
    expect(answer.trailers).toEqual([["x-sum", "7"]]);
  });

  it("sends early hints before the head", async () => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.writeEarlyHints({
        link: ["</a.css>; rel=preload", "</b.js>; rel=preload"],
        "x-hint": "1",
      });
      outgoing.writeProcessing();
      outgoing.end("x");
    });
    expect(answer.informational.map(({ status }) => status)).toEqual([103, 102]);
    expect(answer.informational[0]?.headers["link"]).toBe(
      "</a.css>; rel=preload, </b.js>; rel=preload",
    );
    expect(answer.informational[0]?.headers["x-hint"]).toBe("1");
    expect(answer.status).toBe(200);
  });

  it("delivers the head by flushHeaders, and each write as it is made", async () => {
    const steps: string[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const answer = serve(
      async (_incoming, outgoing) => {
        outgoing.flushHeaders();
        await gates[0].promise;
        steps.push("write");
        outgoing.write("a");
        await gates[1].promise;
        steps.push("end");
        outgoing.end();
      },
      {
        onHead: () => {
          steps.push("head");
          gates[0].resolve();
        },
        onChunk: () => {
          steps.push("chunk");
          gates[1].resolve();
        },
      },
    );
    await answer;
    expect(steps).toEqual(["head", "write", "chunk", "end"]);
  });

  it("stops a writer whose client does not read, and tells it to go on by drain", async () => {
    const needed: boolean[] = [];
    const answer = await serve(async (_incoming, outgoing) => {
      for (let i = 0; i < 64; i += 1) {
        if (!outgoing.write(new Uint8Array(65_536))) {
          needed.push(outgoing.writableNeedDrain);
          await once(outgoing, "drain");
          needed.push(outgoing.writableNeedDrain);
        }
      }
      outgoing.end();
    });
    expect(answer.body).toHaveLength(64 * 65_536);
    expect(needed.slice(0, 2)).toEqual([true, false]);
  });

  it("refuses a head that HTTP does not allow, as Node does", async () => {
    const codes: unknown[] = [];
    await serve((_incoming, outgoing) => {
      for (const attempt of [
        () => outgoing.setHeader("a b", "1"),
        () => outgoing.setHeader("a", "1\r\nb: 2"),
        () => outgoing.writeHead(200, { a: "1\r\nb: 2" }),
        () => outgoing.writeHead(42),
      ]) {
        try {
          attempt();
        } catch (error) {
          codes.push((error as NodeJS.ErrnoException).code);
        }
      }
      outgoing.statusCode = 200;
      outgoing.end("fine");
    });
    expect(codes).toEqual([
      "ERR_INVALID_HTTP_TOKEN",
      "ERR_INVALID_CHAR",
      "ERR_INVALID_CHAR",
      "ERR_HTTP_INVALID_STATUS_CODE",
    ]);
  });

  it("tells by events that the client left while the response goes out", async () => {
    const seen = Promise.withResolvers<unknown>();
    const run = serve(
      (_incoming, outgoing) => {
        outgoing.on("close", () => seen.resolve([outgoing.writableFinished, outgoing.destroyed]));
        outgoing.write("begin");
      },
      { leaveAfterHead: true },
    );
    await expect(run).rejects.toThrow(broken);
    expect(await seen.promise).toEqual([false, true]);
  });

  it("tells by events that the client left while it uploads", async () => {
    const seen = Promise.withResolvers<unknown>();
    const events: string[] = [];
    const body = new PassThrough();
    const run = serve(
      (incoming, _outgoing, note) => {
        note(incoming, "req", ["end", "aborted"]);
        incoming.on("error", (error: NodeJS.ErrnoException) => events.push(`error ${error.code}`));
        incoming.on("close", () => seen.resolve([...events, incoming.complete]));
        incoming.once("data", () => body.destroy(new Error("cut")));
      },
      { method: "POST", body },
    );
    body.write("begin");
    await expect(run).rejects.toThrow(broken);
    expect(await seen.promise).toEqual(["error ECONNRESET", false]);
  });

  it("breaks the transfer by res.destroy()", async () => {
    const run = serve((_incoming, outgoing) => {
      outgoing.write("begin", () => outgoing.destroy());
    });
    await expect(run).rejects.toThrow(broken);
  });

  it("calls res.setTimeout back after silence", async () => {
    const answer = await serve((_incoming, outgoing) => {
      outgoing.setTimeout(5, () => outgoing.end("timed out"));
    });
    expect(answer.body.toString()).toBe("timed out");
  });

  it("shows who calls", async () => {
    const seen = Promise.withResolvers<unknown>();
    await serve((incoming, outgoing) => {
      const { remoteAddress, remotePort, remoteFamily } = incoming.socket;
      seen.resolve([typeof remoteAddress, typeof remotePort, remoteFamily]);
      outgoing.end();
    });
    expect(await seen.promise).toEqual(["string", "number", "IPv4"]);
  });
});

describe("a node handler in a plugin", () => {
  it.each([
    // request, url, originalUrl, baseUrl
    [{ url: "/x?q", basePath: "/app/notes" }, "/x?q", "/app/notes/x?q", "/app/notes"],
    [{ url: "/", basePath: "/n", requestUri: "/n" }, "/", "/n", "/n"],
    [{ url: "/x" }, "/x", "/x", ""],
    [{ url: "/n/x", basePath: "/n", fullPath: true }, "/n/x", "/n/x", ""],
  ])("is mounted as Connect mounts it (M5): %j", async (request, url, originalUrl, baseUrl) => {
    const node = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const mounted = incoming as IncomingMessage & { originalUrl: string; baseUrl: string };
      outgoing.end(JSON.stringify([mounted.url, mounted.originalUrl, mounted.baseUrl]));
    };
    const response = await callHandler({ node }, request).response;
    expect(await response.json()).toEqual([url, originalUrl, baseUrl]);
  });

  it("sends a response that is written by one end as one message, with its length", async () => {
    const call = callHandler({ node: (_incoming, outgoing) => outgoing.end("hi") });
    const response = await call.response;
    expect(response.headers.get("content-length")).toBe("2");
    expect(await response.text()).toBe("hi");
    expect(call.flushCount).toBe(0);
  });

  it("gives the request behind Node's, with what the host knows of the client", async () => {
    const call = callHandler(
      { node: (incoming, outgoing) => outgoing.end(pluginRequestOf(incoming)?.context["user"]) },
      { context: { user: "ada" } },
    );
    expect(await (await call.response).text()).toBe("ada");
  });

  it("asks for a body that is held back when the listener first reads", async () => {
    const read = callHandler(
      { node: (incoming, outgoing) => incoming.pipe(outgoing) },
      { method: "PUT", body: "x", expectContinue: true },
    );
    expect(await (await read.response).text()).toBe("x");
    expect(informationalOf(read)).toEqual([{ status: 100, headers: {} }]);
    const refused = callHandler(
      { node: (_incoming, outgoing) => outgoing.writeHead(417).end() },
      { method: "PUT", body: "x", expectContinue: true },
    );
    expect((await refused.response).status).toBe(417);
    expect(refused.informational).toEqual([]);
  });

  it("lets a listener of checkContinue decide", async () => {
    const server = createServer();
    server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      outgoing.writeContinue();
      incoming.pipe(outgoing);
    });
    const call = callHandler(server, { method: "PUT", body: "x", expectContinue: true });
    expect(await (await call.response).text()).toBe("x");
    expect(call.informational.map(({ status }) => status)).toEqual([100]);
  });

  it("sends an informational response by writeHead and leaves the final one open", async () => {
    const call = callHandler({
      node(_incoming, outgoing) {
        outgoing.writeHead(103, { link: "</a>" });
        outgoing.writeHead(202);
        outgoing.end("x");
      },
    });
    expect((await call.response).status).toBe(202);
    expect(informationalOf(call)).toEqual([{ status: 103, headers: { link: "</a>" } }]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
    [
      "answers 101",
      (_incoming: IncomingMessage, outgoing: ServerResponse) => outgoing.writeHead(101).end(),
    ],
    ["destroys the connection", (incoming: IncomingMessage) => incoming.socket.destroy()],
    ["ends the connection", (incoming: IncomingMessage) => incoming.socket.end()],
    [
      "writes to the connection",
      (incoming: IncomingMessage) => incoming.socket.write("HTTP/1.1 200 OK\r\n\r\n"),
    ],
  ])("fails the exchange when the listener %s", async (_how, node) => {
    const errors: unknown[] = [];
    const logger: Logger = { warn: () => undefined, error: (details) => errors.push(details) };
    const call = callHandler({ node }, {}, { logger });
    await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
    expect(errors).toHaveLength(1);
  });

  it("survives writes behind the end", async () => {
    const late = Promise.withResolvers<unknown>();
    const call = callHandler({
      node(_incoming, outgoing) {
        outgoing.end("whole");
        outgoing.write("late", late.resolve);
      },
    });
    expect(await (await call.response).text()).toBe("whole");
    expect(await late.promise).toMatchObject({ code: "ERR_STREAM_WRITE_AFTER_END" });
  });

  it("lets a body that is being read come to its end behind an early answer", async () => {
    const body = new PassThrough();
    const read = Promise.withResolvers<string>();
    const call = callHandler(
      {
        node(incoming, outgoing) {
          let text = "";
          incoming.on("data", (chunk: Buffer) => {
            text += chunk.toString();
          });
          incoming.on("end", () => read.resolve(text));
          outgoing.end("early");
        },
      },
      { method: "POST", body },
    );
    const response = await call.response;
    body.end("all of it");
    expect(await response.text()).toBe("early");
    expect(await read.promise).toBe("all of it");
  });

  it("lets a body that flows into a slow stream come to its end behind an early answer", async () => {
    const body = new PassThrough();
    const slow = new PassThrough({ highWaterMark: 1 });
    const call = callHandler(
      {
        node(incoming, outgoing) {
          incoming.pipe(slow);
          outgoing.end("early");
        },
      },
      { method: "POST", body },
    );
    const response = await call.response;
    for (const part of ["all ", "of ", "it"]) {
      body.write(part);
    }
    body.end();
    let text = "";
    for await (const chunk of slow) {
      text += String(chunk);
    }
    expect(text).toBe("all of it");
    expect(await response.text()).toBe("early");
  });

  it("ends at once where the body is not being read, and fails a reader that goes on", async () => {
    const body = new PassThrough();
    const paused = Promise.withResolvers<IncomingMessage>();
    const call = callHandler(
      {
        node(incoming, outgoing) {
          incoming.once("data", () => {
            incoming.pause();
            outgoing.end("enough");
            outgoing.once("close", () => paused.resolve(incoming));
          });
        },
      },
      { method: "POST", body },
    );
    body.write("begin");
    expect(await (await call.response).text()).toBe("enough");
    const incoming = await paused.promise;
    expect([incoming.complete, incoming.destroyed]).toEqual([false, false]);
    incoming.resume();
    const [error] = await once(incoming, "error");
    expect(error).toMatchObject({ code: "ECONNRESET" });
    body.destroy();
  });

  it("takes an upgrade for a request where nobody listens for upgrades, or the client's connection can't be had", async () => {
    const headers: [string, string][] = [["Upgrade", "websocket"]];
    const unheard = callHandler(
      { node: (incoming, outgoing) => outgoing.end(incoming.headers.upgrade) },
      { headers, hijackable: true },
    );
    expect(await (await unheard.response).text()).toBe("websocket");
    const impossible = callHandler(
      { node: (_incoming, outgoing) => outgoing.end("no"), upgrade: () => expect.unreachable() },
      { headers, hijackable: false },
    );
    expect(await (await impossible.response).text()).toBe("no");
  });

  it("gives the connection of an upgrade to its listener", async () => {
    const call = callHandler(
      {
        node: () => expect.unreachable(),
        upgrade(incoming, socket, head) {
          socket.end(
            `HTTP/1.1 403 Forbidden\r\n\r\n${incoming.url} ${incoming.headers.connection} ${head.toString()}`,
          );
        },
      },
      {
        url: "/ws",
        headers: [["Upgrade", "websocket"]],
        hijackable: true,
        tunnelHead: Buffer.from("head"),
      },
    );
    const tunnel = await call.tunnel;
    let text = "";
    for await (const chunk of tunnel) {
      text += String(chunk);
    }
    expect(text).toBe("HTTP/1.1 403 Forbidden\r\n\r\n/ws Upgrade head");
  });
});

/**
 * How a broken exchange reads: Node's client says the one or the other, a plugin's client by our
 * codes.
 */
const broken = /aborted|hang up|gave up the exchange|the handler failed/;

interface Scenario {
  /** Of the server. */
  readonly options?: ServerOptions;
  readonly method?: string;
  readonly url?: string;
  readonly headers?: [string, string][];
  readonly body?: string | Uint8Array | Readable;
  readonly trailers?: [string, string][];
  /** The client leaves as soon as the head is there. */
  readonly leaveAfterHead?: boolean;
  readonly onHead?: () => void;
  readonly onChunk?: () => void;
}

interface Answer {
  readonly status: number;
  /** The reason phrase, or an empty text for the usual one. */
  readonly reason: string;
  fields(name: string): string[];
  readonly body: Buffer;
  readonly trailers: [string, string][];
  readonly informational: { status: number; headers: Record<string, unknown> }[];
  /** What the listener noted. */
  readonly events: string[];
}

type Note = (emitter: EventEmitter, name: string, events: readonly string[]) => void;
type Listener = (incoming: IncomingMessage, outgoing: ServerResponse, note: Note) => unknown;

/**
 * Runs a listener, and waits until it is done and each `close` has come: of the response, and those
 * that it wanted noted.
 */
async function noted(
  listener: Listener,
  options: ServerOptions | undefined,
  run: (server: Server) => Promise<Omit<Answer, "events">>,
): Promise<Answer> {
  const events: string[] = [];
  const settled: Promise<unknown>[] = [];
  const note: Note = (emitter, name, types) => {
    for (const type of types) {
      emitter.on(type, () => events.push(`${name} ${type}`));
    }
    settled.push(closed(emitter));
  };
  const server = createServer(options ?? {}, (incoming, outgoing) => {
    settled.push(closed(outgoing));
    settled.push(Promise.resolve(listener(incoming, outgoing, note)));
  });
  const answer = await run(server);
  await Promise.all(settled);
  return { ...answer, events };
}

function closed(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    emitter.once("close", () => resolve());
  });
}

function serveDirectly(listener: Listener, scenario: Scenario = {}): Promise<Answer> {
  return noted(listener, scenario.options, async (started) => {
    await using server = started;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return await callDirectly(port, scenario);
  });
}

async function callDirectly(port: number, scenario: Scenario): Promise<Omit<Answer, "events">> {
  const { body, trailers = [] } = scenario;
  const isBuffered = typeof body === "string" || body instanceof Uint8Array;
  const outgoing = requestOverSocket({
    port,
    host: "127.0.0.1",
    method: scenario.method ?? "GET",
    path: scenario.url ?? "/",
    agent: false,
    headers: [
      "Host",
      "plugin.test",
      ...(scenario.headers ?? []).flat(),
      ...(isBuffered ? ["Content-Length", String(Buffer.byteLength(body))] : []),
      ...(body === undefined || isBuffered ? [] : ["Transfer-Encoding", "chunked"]),
    ],
  });
  const informational: Answer["informational"] = [];
  outgoing.on("information", ({ statusCode, headers }) => {
    informational.push({ status: statusCode, headers });
  });
  outgoing.addTrailers(trailers);
  const responded = once(outgoing, "response") as Promise<[IncomingMessage]>;
  if (body instanceof Readable) {
    body.pipe(outgoing);
    body.on("error", () => outgoing.destroy());
  } else {
    outgoing.end(body);
  }
  const [incoming] = await responded;
  scenario.onHead?.();
  if (scenario.leaveAfterHead === true) {
    outgoing.destroy();
  }
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    scenario.onChunk?.();
    chunks.push(chunk as Buffer);
  }
  return {
    status: incoming.statusCode ?? 0,
    reason:
      incoming.statusMessage === (STATUS_CODES[incoming.statusCode ?? 0] ?? "unknown")
        ? ""
        : (incoming.statusMessage ?? ""),
    fields: (name) => incoming.headersDistinct[name] ?? [],
    body: Buffer.concat(chunks),
    trailers: Object.entries(incoming.trailers) as [string, string][],
    informational,
  };
}

function serveAsPlugin(listener: Listener, scenario: Scenario = {}): Promise<Answer> {
  return noted(listener, scenario.options, async (server) => {
    const { leaveAfterHead, onHead, onChunk, options: _options, ...request } = scenario;
    const call = callHandler(server, request);
    const response = await call.response;
    onHead?.();
    if (leaveAfterHead === true) {
      call.abort();
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) {
      onChunk?.();
      chunks.push(chunk);
    }
    const trailers = [...(await response.trailers)];
    return {
      status: response.status,
      reason: response.reason,
      fields: (name) => response.headers.getAll(name),
      body: Buffer.concat(chunks),
      trailers: trailers.map(([name, value]): [string, string] => [name.toLowerCase(), value]),
      informational: informationalOf(call),
    };
  });
}

function informationalOf(call: TestCall): Answer["informational"] {
  return call.informational.map(({ status, headers }) => ({
    status,
    headers: Object.fromEntries([...headers].map(([name, value]) => [name.toLowerCase(), value])),
  }));
}

function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}
