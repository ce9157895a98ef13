import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomRuns, sized } from "@servehttp/testkit";
import { LastFields } from "./last-fields.js";
import type { PlainHead } from "./plain-head.js";
import { readPlainHead } from "./plain-request.js";

const limits = { headBytesMax: 16_383, fieldsMax: 100 };

function read(text: string): PlainHead | undefined {
  return readPlainHead(Buffer.from(text, "latin1"), limits);
}

/** A request of these lines without a body. */
function lines(...all: readonly string[]): string {
  return [...all, "", ""].join("\r\n");
}

describe("readPlainHead", () => {
  it("reads method, target, fields and length", () => {
    const text = lines(
      "POST /a%2Fb?q=1&;x HTTP/1.1",
      "Host: a",
      "content-length: 3",
      "X-A:1",
      "x-a: \t two words\t ",
      "X-Empty:",
      "x-caf: caf\xe9",
      "Connection: Keep-Alive",
    );
    expect(read(`${text}abc`)).toMatchObject({
      method: "POST",
      target: "/a%2Fb?q=1&;x",
      rawHeaders: [
        "Host",
        "a",
        "content-length",
        "3",
        "X-A",
        "1",
        "x-a",
        "two words",
        "X-Empty",
        "",
        "x-caf",
        "caf\xe9",
        "Connection",
        "Keep-Alive",
      ],
      contentLength: 3,
      bytes: text.length,
    });
  });

  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("takes %s", (method) => {
    expect(read(lines(`${method} / HTTP/1.1`, "Host: a"))?.method).toBe(method);
  });

  it.each([
    ["nothing", ""],
    ["a method alone", "GET"],
    ["no end of the head", "GET / HTTP/1.1\r\nHost: a\r\n"],
    ["half an end of the head", "GET / HTTP/1.1\r\nHost: a\r\n\r"],
    ["an empty line in front", lines("", "GET / HTTP/1.1", "Host: a")],
    ["CONNECT", lines("CONNECT a:1 HTTP/1.1", "Host: a")],
    ["TRACE", lines("TRACE / HTTP/1.1", "Host: a")],
    ["an unknown method", lines("QUERY / HTTP/1.1", "Host: a")],
    ["a method in lower case", lines("get / HTTP/1.1", "Host: a")],
    ["PRI of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a blank in front", lines(" GET / HTTP/1.1", "Host: a")],
    ["two blanks", lines("GET  / HTTP/1.1", "Host: a")],
    ["two blanks behind the target", lines("GET /  HTTP/1.1", "Host: a")],
    ["a tab", lines("GET\t/ HTTP/1.1", "Host: a")],
    ["a blank behind the version", lines("GET / HTTP/1.1 ", "Host: a")],
    ["no target", lines("GET HTTP/1.1", "Host: a")],
    ["no version", lines("GET /", "Host: a")],
    ["HTTP/1.0", lines("GET / HTTP/1.0", "Host: a")],
    ["HTTP/1.2", lines("GET / HTTP/1.2", "Host: a")],
    ["HTTP/2.0", lines("GET / HTTP/2.0", "Host: a")],
    ["http/1.1", lines("GET / http/1.1", "Host: a")],
    ["an absolute target", lines("GET http://a/ HTTP/1.1", "Host: a")],
    ["an asterisk", lines("OPTIONS * HTTP/1.1", "Host: a")],
    ["a fragment", lines("GET /#a HTTP/1.1", "Host: a")],
    ["a control character in the target", lines("GET /\x01 HTTP/1.1", "Host: a")],
    ["a NUL in the target", lines("GET /\0 HTTP/1.1", "Host: a")],
    ["a byte above 0x7f in the target", lines("GET /\xe9 HTTP/1.1", "Host: a")],
    ["a bare LF behind the first line", "GET / HTTP/1.1\nHost: a\r\n\r\n"],
    ["a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n"],
    ["a bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n"],
    ["CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"],
    ["a bare LF for the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"],
    ["no Host", lines("GET / HTTP/1.1", "X: a")],
    ["two Hosts", lines("GET / HTTP/1.1", "Host: a", "host: a")],
    ["a folded line", lines("GET / HTTP/1.1", "Host: a", "X: 1", " 2")],
    ["a folded line with a colon", lines("GET / HTTP/1.1", "Host: a", "X: 1", " b: 2")],
    ["a line folded by a tab", lines("GET / HTTP/1.1", "Host: a", "X: 1", "\tb: 2")],
    ["a blank in front of a colon", lines("GET / HTTP/1.1", "Host: a", "X : 1")],
    ["a tab in front of a colon", lines("GET / HTTP/1.1", "Host: a", "X\t: 1")],
    ["no colon", lines("GET / HTTP/1.1", "Host: a", "X")],
    ["an empty name", lines("GET / HTTP/1.1", "Host: a", ": 1")],
    ["a name that is no token", lines("GET / HTTP/1.1", "Host: a", "X(y): 1")],
    ["a name above 0x7f", lines("GET / HTTP/1.1", "Host: a", "X\xe9: 1")],
    ["a NUL in a value", lines("GET / HTTP/1.1", "Host: a", "X: a\0b")],
    ["a NUL in a name", lines("GET / HTTP/1.1", "Host: a", "X\0: b")],
    ["DEL in a value", lines("GET / HTTP/1.1", "Host: a", "X: a\x7fb")],
    ["Transfer-Encoding", lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")],
    ["transfer-encoding", lines("POST / HTTP/1.1", "Host: a", "transfer-encoding: identity")],
    ["Upgrade", lines("GET / HTTP/1.1", "Host: a", "Upgrade: websocket")],
    ["Expect", lines("POST / HTTP/1.1", "Host: a", "Expect: 100-continue")],
    ["TE", lines("GET / HTTP/1.1", "Host: a", "tE: trailers")],
    ["Trailer", lines("GET / HTTP/1.1", "Host: a", "TRAILER: x")],
    ["Connection: close", lines("GET / HTTP/1.1", "Host: a", "Connection: close")],
    ["a Connection with more", lines("GET / HTTP/1.1", "Host: a", "Connection: keep-alive, x")],
    ["two Connections", lines("GET / HTTP/1.1", "Host: a", ...twice("Connection: keep-alive"))],
    ["Proxy-Connection", lines("GET / HTTP/1.1", "Host: a", "Proxy-Connection: keep-alive")],
    ["two lengths", lines("POST / HTTP/1.1", "Host: a", ...twice("Content-Length: 1"))],
    ["an empty length", lines("POST / HTTP/1.1", "Host: a", "Content-Length:")],
    ["a signed length", lines("POST / HTTP/1.1", "Host: a", "Content-Length: +1")],
    ["a list of lengths", lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1")],
    ["a hexadecimal length", lines("POST / HTTP/1.1", "Host: a", "Content-Length: 0x1")],
    ["a length with blanks", lines("POST / HTTP/1.1", "Host: a", "Content-Length: 1 1")],
    ["a length too long", lines("POST / HTTP/1.1", "Host: a", `Content-Length: ${"9".repeat(16)}`)],
    ["101 fields", lines("GET / HTTP/1.1", "Host: a", ...Array<string>(100).fill("x: 1"))],
    ["a head too large", lines("GET / HTTP/1.1", "Host: a", `X: ${"x".repeat(16_384)}`)],
  ])("leaves %s to Node", (_what, text) => {
    expect(read(text)).toBeUndefined();
  });

  it("takes as much as its limits say", () => {
    const head = (bytes: number) => {
      const rest = lines("GET / HTTP/1.1", "Host: a", "X: ");
      return rest.replace("X: ", `X: ${"x".repeat(bytes - rest.length)}`);
    };
    expect(read(head(16_383))?.bytes).toBe(16_383);
    expect(read(head(16_384))).toBeUndefined();
    const fields = Array<string>(99).fill("x: 1");
    expect(read(lines("GET / HTTP/1.1", "Host: a", ...fields))?.rawHeaders).toHaveLength(200);
  });

  it("reads no head that is not whole", () => {
    const whole = lines("POST /a HTTP/1.1", "Host: a", "Content-Length: 3", "X: 1");
    for (let end = 0; end < whole.length; end++) {
      expect(read(whole.slice(0, end))).toBeUndefined();
    }
    expect(read(whole)).toBeDefined();
  });
});

function twice(line: string): string[] {
  return [line, line];
}

describe("readPlainHead behind the same fields", () => {
  const fields = "Host: a\r\nX-A: 1\r\nContent-Length: 3\r\n\r\n";

  function readLine(line: string, last: LastFields | undefined): PlainHead | undefined {
    return readPlainHead(Buffer.from(`${line}${fields}abc`, "latin1"), limits, last);
  }

  const word = fc.oneof(
    fc.constantFrom("GET", "POST", "OPTIONS", "GE", "GETS", "get", "", " ", "/", "/a b", "\t"),
    fc.constantFrom("/a%20b?c", "*", "http://a/", "/#", "/\x7f", "/\xe4", "a", "/a\r"),
    fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/1.1\r", "http/1.1", "HTTP/1.1 "),
  );
  const line = fc
    .tuple(fc.array(word, { maxLength: 4 }), fc.constantFrom("\r\n", "\n", "\r\r\n", "\n\r\n"))
    .map(([words, end]) => words.join(" ") + end);

  it("reads every request line as it reads it in front of other fields", () => {
    const last = new LastFields();
    readLine("GET / HTTP/1.1\r\n", last);
    readLine("GET / HTTP/1.1\r\n", last);
    expect(readLine("GET / HTTP/1.1\r\n", last)?.fieldsMemo).toBeDefined();
    let taken = 0;
    const method = fc.constantFrom("GET", "PUT", "OPTIONS", "GETS");
    const target = fc.constantFrom("/", "/a%20b?c", "/a/very/long/target/of/a/plugin", "a", "/#");
    fc.assert(
      fc.property(
        fc.oneof(
          line,
          fc.tuple(method, target).map((words) => `${words.join(" ")} HTTP/1.1\r\n`),
        ),
        (text) => {
          const expected = readLine(text, undefined);
          const head = readLine(text, last);
          taken += head === undefined ? 0 : 1;
          expect(head && { ...head, fieldsMemo: undefined, headMemo: undefined }).toEqual(expected);
        },
      ),
      randomRuns(1_000),
    );
    expect(taken).toBeGreaterThan(10);
  });
});

describe("readPlainHead of a request that repeats", () => {
  const text = lines("GET /a HTTP/1.1", "Host: a", "X: 1");

  function readTimes(times: number): { last: LastFields; head: PlainHead | undefined } {
    const last = new LastFields();
    let head: PlainHead | undefined;
    for (let time = 0; time < times; time += 1) {
      head = readPlainHead(Buffer.from(text), limits, last);
    }
    return { last, head };
  }

  it("gives the same head each time", () => {
    const { last, head } = readTimes(5);
    expect(readPlainHead(Buffer.from(text), limits, last)).toBe(head);
    expect(readPlainHead(Buffer.from(`${text}more`), limits, last)).toBe(head);
  });

  it("gives none for what is not whole, nor the same where any byte is another", () => {
    const { last, head } = readTimes(5);
    for (let end = 0; end < text.length; end += 1) {
      expect(readPlainHead(Buffer.from(text.slice(0, end)), limits, last)).toBeUndefined();
    }
    for (let at = 0; at < text.length; at += 1) {
      const changed = Buffer.from(text);
      changed[at] = "x".charCodeAt(0);
      expect(readPlainHead(changed, limits, readTimes(5).last)).not.toBe(head);
      const { contentLength, method, rawHeaders, target } =
        readPlainHead(changed, limits, last) ?? {};
      const expected = readPlainHead(changed, limits);
      expect({ contentLength, method, rawHeaders, target }).toEqual({
        contentLength: expected?.contentLength,
        method: expected?.method,
        rawHeaders: expected?.rawHeaders,
        target: expected?.target,
      });
    }
  });
});

describe("readPlainHead beside Node's parser", () => {
  const server = createServer();
  let port = 0;
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => void server.close());

  /** What Node's server reads of bytes, and of a second request right behind them. */
  async function nodeReads(sent: Buffer): Promise<unknown> {
    const seen: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => (bytes += chunk.length));
      request.on("end", () => {
        const { method, rawHeaders, url } = request;
        seen.push({ method, url, rawHeaders, bytes });
        response.end();
        if (url === "/marker") {
          resolve();
        }
      });
    });
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    socket.resume();
    socket.write(sent);
    socket.write(lines("GET /marker HTTP/1.1", "Host: a"));
    await promise;
    socket.destroy();
    return seen;
  }

  const tokenish = fc.oneof(
    fc.constantFrom("X-A", "x_b", "Accept", "Cookie", "Content-Length", "content-length"),
    fc.constantFrom("Connection", "Proxy-Connection", "Host", "Transfer-Encoding", "Keep-Alive"),
    fc.constantFrom("Upgrade", "HTTP2-Settings", "Expect", "TE", "Content-Type", "Trailer"),
    fc.string({ minLength: 1, maxLength: 18 }),
  );
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const value = fc.oneof(
    fc.constantFrom("1", "0", "3", "keep-alive", "close", "chunked", " a \t", "", "007", "a, b"),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: byte, maxLength: 12 }),
  );
  const lineEnd = fc.oneof(
    { weight: 40, arbitrary: fc.constant("\r\n") },
    { weight: 1, arbitrary: fc.constantFrom("\n", "\r", "\r\r\n", "\r\n ", "\n\r\n", "\r\n\t") },
  );
  const colon = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(":", ": ", ":\t ") },
    { weight: 1, arbitrary: fc.constantFrom(" : ", "", "\t:", "::") },
  );
  const field = fc.oneof(
    fc.tuple(tokenish, colon, value, lineEnd).map((parts) => parts.join("")),
    fc.constantFrom("Content-Length: 3\r\n", "content-length:0\r\n", "X-A: 1\r\n", "x-b:\r\n"),
    fc.constantFrom("Connection: keep-alive\r\n", "Transfer-Encoding: chunked\r\n"),
  );
  const target = fc.oneof(
    fc.constantFrom("/", "/a%2Fb?c=d", "/..//x", "*", "http://a/", '/"<>\\^`{|}', "/a?b?c/../"),
    fc.string({ maxLength: 8 }).map((text) => `/${text}`),
    fc.string({ unit: byte, maxLength: 8 }).map((text) => `/${text}`),
  );
  const request = fc
    .record({
      method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"),
      target,
      version: fc.oneof(
        { weight: 10, arbitrary: fc.constant("HTTP/1.1") },
        { weight: 1, arbitrary: fc.constantFrom("HTTP/1.0", "HTTP/1.1 ", "HTTP/1") },
      ),
      end: lineEnd,
      host: fc.oneof(
        { weight: 10, arbitrary: fc.constantFrom("Host: a\r\n", "host:b:80 \r\n") },
        { weight: 1, arbitrary: fc.constantFrom("", "Host: a\r\nHost: b\r\n", "Host:\r\n") },
      ),
      fields: fc.array(field, { maxLength: 5 }),
    })
    .map(
      ({ method, target: to, version, end, host, fields }) =>
        `${method} ${to} ${version}${end}${host}${fields.join("")}\r\n`,
    );

  it("reads what Node reads of whatever it takes", { timeout: 120_000 }, async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(request, async (text) => {
        const head = read(text);
        if (head === undefined || head.contentLength > 10_000) {
          return;
        }
        taken += 1;
        const { method, rawHeaders, target: url, contentLength: bytes } = head;
        const sent = Buffer.concat([
          Buffer.from(text.slice(0, head.bytes), "latin1"),
          Buffer.alloc(bytes, "x"),
        ]);
        expect(await nodeReads(sent)).toEqual([
          { method, url, rawHeaders, bytes },
          { method: "GET", url: "/marker", rawHeaders: ["Host", "a"], bytes: 0 },
        ]);
      }),
      randomRuns(20_000),
    );
    expect(taken).toBeGreaterThan(sized(1_000));
  });
});
