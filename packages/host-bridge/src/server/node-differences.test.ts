import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { until } from "@servehttp/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

/*
 * What the specifications treat specially (RFC 9110, 9112 and 6455), sent to a listener of Node's
 * twice: on a server of Node's, and as a plugin. The listener sees the same request and its client
 * the same answer, except for what is named here.
 */

/** Fields that the host adds to a request. */
const added = new Set([
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-prefix",
  "forwarded",
]);

/** Fields of a request that concern the client's connection to the host, and end there. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "upgrade",
  "http2-settings",
]);

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly httpVersion: string;
  /** Sorted by name; lines of one name in their order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/** The listener of the test that runs. */
let listener: (request: IncomingMessage, response: ServerResponse) => unknown = () => undefined;
let seen: Seen | undefined;

async function look(request: IncomingMessage): Promise<Seen> {
  const body: Buffer[] = [];
  for await (const chunk of request) {
    body.push(chunk as Buffer);
  }
  const { method, url, httpVersion, rawHeaders, rawTrailers } = request;
  return {
    method,
    url,
    httpVersion,
    fields: fieldsOf(rawHeaders),
    body: Buffer.concat(body).toString("latin1"),
    trailers: rawTrailers,
  };
}

function fieldsOf(raw: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) {
    fields.push([(raw[at] as string).toLowerCase(), raw[at + 1] as string]);
  }
  return fields.toSorted(([one], [other]) => (one < other ? -1 : Number(one > other)));
}

const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  socket.on("error", () => undefined);
  const { method, url, httpVersion, rawHeaders } = request;
  const fields = fieldsOf(rawHeaders);
  seen = { method, url, httpVersion, fields, body: String(head), trailers: [] };
  socket.end(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nopen",
  );
};

const node = (request: IncomingMessage, response: ServerResponse) => listener(request, response);

/** A server whose plugin's path leads nowhere but to the listener. */
function directServer(): Server {
  const server = createServer((request, response) => {
    request.url = withoutPrefix(request.url);
    void node(request, response);
  });
  server.on("upgrade", (request, socket, head) => {
    request.url = withoutPrefix(request.url);
    upgrade(request, socket, head);
  });
  return server;
}

function withoutPrefix(url = ""): string {
  return url.replace(/^(?:http:\/\/[^/]*)?\/plugins\/notes/, "");
}

/** Sends a request, and returns all of the answer, interim responses included. */
async function exchange(port: number, request: string): Promise<{ answer: string; seen?: Seen }> {
  seen = undefined;
  using client = await RawClient.connect(port);
  client.socket.write(request, "latin1");
  await until(
    () => client.ended || isWhole(client.received, request.startsWith("HEAD ")),
    "the whole answer",
  );
  return { answer: client.received, ...(seen === undefined ? {} : { seen }) };
}

/** Whether an answer has come to its end by its own framing. One without any ends with its connection. */
function isWhole(answer: string, isHead: boolean): boolean {
  const end = answer.indexOf("\r\n\r\n") + 4;
  if (end < 4) {
    return false;
  }
  const head = answer.slice(0, end);
  if (/^HTTP\/1\.1 1(?!01)/.test(head)) {
    return isWhole(answer.slice(end), isHead);
  }
  const length = /\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1];
  return isHead || /^HTTP\/1\.1 (?:204|304)/.test(head)
    ? true
    : length === undefined
      ? /\r\nTransfer-Encoding: chunked\r\n/i.test(head) &&
        /\r\n0\r\n(?:[^]*\r\n)?\r\n$/.test(answer)
      : answer.length - end >= Number(length);
}

/**
 * An answer whose fields stand in any order, with its body in one piece: how a body without a
 * declared length is framed is the business of whoever owns the connection.
 */
function comparable(answer: string, leftOut: readonly string[] = []): unknown {
  const end = answer.indexOf("\r\n\r\n");
  const [line, ...lines] = answer.slice(0, end).split("\r\n");
  const rest = answer.slice(end + 4);
  if (/^HTTP\/1\.1 1(?!01)/.test(line ?? "")) {
    return [line, lines, comparable(rest, leftOut)];
  }
  const chunked = /\r\nTransfer-Encoding: chunked/i.test(answer.slice(0, end));
  const out = new Set(["content-length", "transfer-encoding", ...leftOut]);
  const fields = lines
    .map((field) => field.replace(/^[^:]*/, (name) => name.toLowerCase()))
    .filter((field) => !out.has(field.slice(0, field.indexOf(":"))))
    .map((field) => field.replace(/^date: .* GMT$/, "date: now"));
  return { line, fields: fields.toSorted(), body: chunked ? dechunked(rest) : rest };
}

/** The body and the trailers of a chunked message. */
function dechunked(rest: string): string {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (!(size > 0)) {
      return body + rest.slice(lineEnd + 2).replace(/\r\n$/, "");
    }
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}

function passedOn(fields: Seen["fields"], keeps: readonly string[] = []): Seen["fields"] {
  const named = fields
    .filter(([name]) => name === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/));
  return fields.filter(
    ([name]) => keeps.includes(name) || !(hopByHop.has(name) || named.includes(name)),
  );
}

const host = "Host: example.org";
const readers: readonly [string, boolean][] = [
  ["the fast path", true],
  ["Node", false],
];

describe.each(readers)(
  "E3, Q1, P1, T2 behind a host whose requests %s reads",
  (_reader, fastPath) => {
    let bridge: Bridge;
    let direct: Server;

    beforeAll(async () => {
      bridge = await Bridge.start(
        { node, upgrade },
        { attach: false, wire: (server, hosting) => hosting.attach(server, { fastPath }) },
      );
      direct = directServer().listen(0, "127.0.0.1");
      await once(direct, "listening");
    });

    afterAll(async () => {
      await bridge[Symbol.asyncDispose]();
      direct.closeAllConnections();
      direct.close();
    });

    async function both(request: string) {
      const { port } = direct.address() as { port: number };
      return {
        fromNode: await exchange(port, request),
        fromHost: await exchange(bridge.port, request),
      };
    }

    const request = (line: string, ...rest: readonly string[]) =>
      [line, host, ...rest, "", ""].join("\r\n");

    it.each<[string, string, (readonly string[])?]>([
      ["GET", request("GET /plugins/notes/a?b=c HTTP/1.1")],
      ["HEAD", request("HEAD /plugins/notes/ HTTP/1.1")],
      ["TRACE with Max-Forwards", request("TRACE /plugins/notes/ HTTP/1.1", "Max-Forwards: 0")],
      [
        "OPTIONS",
        request("OPTIONS /plugins/notes/ HTTP/1.1", "Access-Control-Request-Method: PUT"),
      ],
      ["a method of its own", request("PROPFIND /plugins/notes/ HTTP/1.1", "Depth: 1")],
      ["a target in absolute form", request("GET http://example.org/plugins/notes/a HTTP/1.1")],
      ["HTTP/1.0 without Host", "GET /plugins/notes/ HTTP/1.0\r\n\r\n"],
      [
        "HTTP/1.0 with keep-alive",
        request("GET /plugins/notes/ HTTP/1.0", "Connection: keep-alive"),
      ],
      ["POST without a length", request("POST /plugins/notes/ HTTP/1.1")],
      ["POST with a length of 0", request("POST /plugins/notes/ HTTP/1.1", "Content-Length: 0")],
      ["GET with a length of 0", request("GET /plugins/notes/ HTTP/1.1", "content-length: 0")],
      ["PUT with a body", `${request("PUT /plugins/notes/ HTTP/1.1", "Content-Length: 4")}body`],
      ["DELETE with a body", `${request("DELETE /plugins/notes/ HTTP/1.1", "Content-Length: 1")}x`],
      ["GET with a body", `${request("GET /plugins/notes/ HTTP/1.1", "Content-Length: 1")}x`],
      [
        "a chunked body with trailers",
        `${request("POST /plugins/notes/ HTTP/1.1", "Transfer-Encoding: chunked", "Trailer: X-Sum")}4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n`,
      ],
      [
        "an expectation",
        `${request("POST /plugins/notes/ HTTP/1.1", "Expect: 100-continue", "Content-Length: 4")}body`,
      ],
      [
        "an expectation of HTTP/1.0",
        `${request("POST /plugins/notes/ HTTP/1.0", "Expect: 100-continue", "Content-Length: 4")}body`,
      ],
      ["TE: trailers", request("GET /plugins/notes/ HTTP/1.1", "TE: trailers"), ["te"]],
      [
        "fields that Connection names",
        request("GET /plugins/notes/ HTTP/1.1", "Connection: close, X-Hop", "X-Hop: 1", "X-End: 1"),
      ],
      [
        "the fields of a connection",
        request(
          "GET /plugins/notes/ HTTP/1.1",
          "Keep-Alive: timeout=5",
          "Proxy-Connection: keep-alive",
          "Proxy-Authorization: Basic eA==",
          "Connection: HTTP2-Settings",
          "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        ),
      ],
      [
        "credentials, cookies and conditions",
        request(
          "GET /plugins/notes/ HTTP/1.1",
          "Authorization: Bearer one",
          "Cookie: a=1",
          "Cookie: b=2; c=3",
          'If-Match: "a", "b"',
          'If-None-Match: W/"a"',
          "If-Modified-Since: Fri, 27 Nov 2026 00:00:00 GMT",
          "If-Unmodified-Since: Fri, 27 Nov 2026 00:00:00 GMT",
          'If-Range: "a"',
          "Range: bytes=0-1, 5-",
        ),
      ],
      [
        "what describes a client and its wishes",
        request(
          "GET /plugins/notes/ HTTP/1.1",
          "Accept: text/html, */*;q=0.1",
          "Accept-Charset: utf-8",
          "Accept-Encoding: gzip;q=1.0, identity; q=0.5, *;q=0",
          "Accept-Language: de, en;q=0.8",
          "From: a@example.org",
          "Referer: http://example.org/",
          "User-Agent: one/1 (two)",
          "Date: Fri, 27 Nov 2026 00:00:00 GMT",
          "Cache-Control: no-cache",
          "Pragma: no-cache",
          "Priority: u=1, i",
          "Via: 1.1 a, 1.0 b",
          "Origin: null",
        ),
      ],
      [
        "what describes content",
        `${request(
          "POST /plugins/notes/ HTTP/1.1",
          "Content-Type: text/plain; charset=utf-8",
          "Content-Encoding: gzip",
          "Content-Language: en",
          "Content-Location: /a",
          "Content-Length: 2",
        )}{}`,
      ],
      [
        "lines of one name, blanks, empty values and bytes above ASCII",
        request(
          "GET /plugins/notes/ HTTP/1.1",
          "X-M: 1",
          "x-m:   2  ",
          "X-M:",
          "Content-Type: a/b",
          "Content-Type: c/d",
          "X-Latin: caf\xe9",
          "X-Utf8: \xc3\xa9",
        ),
      ],
    ])("a listener sees %s as on a server of Node's", async (_what, text, keeps) => {
      listener = async (incoming, response) => {
        seen = await look(incoming);
        response.end("seen");
      };
      const { fromNode, fromHost } = await both(text);
      expect(fromNode.seen).toBeDefined();
      expect({
        ...fromHost.seen,
        fields: fromHost.seen?.fields.filter(([name]) => !added.has(name)),
      }).toEqual({ ...fromNode.seen, fields: passedOn(fromNode.seen?.fields ?? [], keeps) });
      // The host keeps an HTTP/1.0 connection for a body of a known length.
      const leftOut = text.includes(" HTTP/1.0") ? ["connection", "keep-alive"] : [];
      const answer = (came: string) => came.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
      expect(comparable(answer(fromHost.answer), leftOut)).toEqual(
        comparable(answer(fromNode.answer), leftOut),
      );
      expect(fromHost.answer.includes("100 Continue")).toBe(
        fromNode.answer.includes("100 Continue"),
      );
    });

    it.each<[string, string]>([
      ["an expectation that nobody knows", "Expect: 200-ok"],
      ["no Host", "X: 1"],
      ["two lengths", "Content-Length: 1\r\nContent-Length: 1"],
      ["a length that is no number", "Content-Length: 1x"],
      ["a length and a coding", "Content-Length: 1\r\nTransfer-Encoding: chunked"],
      ["a space before a colon", "X : 1"],
    ])("a client of %s gets the status that Node answers", async (what, field) => {
      listener = async (incoming, response) => {
        seen = await look(incoming);
        response.end("seen");
      };
      const lines = ["POST /plugins/notes/ HTTP/1.1", ...(what === "no Host" ? [] : [host]), field];
      const { fromNode, fromHost } = await both([...lines, "", ""].join("\r\n"));
      expect(fromNode.seen).toBeUndefined();
      expect(fromHost.seen).toBeUndefined();
      expect(fromHost.answer.slice(0, 12)).toBe(fromNode.answer.slice(0, 12));
    });

    it("a listener that asks for chunks gets them, also for a body of one write", async () => {
      listener = (_request, response) => {
        response.setHeader("Transfer-Encoding", "chunked");
        response.end("body");
      };
      const { fromNode, fromHost } = await both(request("GET /plugins/notes/ HTTP/1.1"));
      for (const { answer } of [fromNode, fromHost]) {
        expect(answer).toMatch(/^transfer-encoding: chunked\r$/im);
        expect(answer).toMatch(/\r\n\r\n4\r\nbody\r\n0\r\n\r\n$/);
      }
    });

    it("a WebSocket handshake arrives as on a server of Node's", async () => {
      const { fromNode, fromHost } = await both(
        `${request(
          "GET /plugins/notes/chat?a HTTP/1.1",
          "Connection: keep-alive, Upgrade",
          "Upgrade: websocket",
          "Origin: http://example.org",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Protocol: chat, superchat",
          "Sec-WebSocket-Protocol: other",
          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
          "Cookie: a=1",
        )}early`,
      );
      expect({
        ...fromHost.seen,
        fields: fromHost.seen?.fields.filter(([name]) => !added.has(name)),
      }).toEqual({
        ...fromNode.seen,
        // Of the connection's options only the upgrade is the plugin's.
        fields: fromNode.seen?.fields.map(([name, value]) =>
          name === "connection" ? [name, "Upgrade"] : [name, value],
        ),
      });
      expect(fromHost.answer).toBe(fromNode.answer);
    });

    const statuses = [
      200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402,
      403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424,
      425, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 299, 599, 799,
    ];

    it.each(["GET", "HEAD"])(
      "every status arrives as from a server of Node's, for %s",
      async (method) => {
        for (const status of statuses) {
          // Node sends a body with 205, which none may have (RFC 9110, section 15.3.6).
          for (const text of status === 205 ? [""] : ["", "body"]) {
            listener = (_request, response) => {
              response.writeHead(status, { "X-Status": status });
              response.end(text);
            };
            // oxlint-disable-next-line no-await-in-loop
            const { fromNode, fromHost } = await both(
              request(`${method} /plugins/notes/ HTTP/1.1`),
            );
            expect([status, comparable(fromHost.answer)]).toEqual([
              status,
              comparable(fromNode.answer),
            ]);
          }
        }
      },
    );

    it("the length that a 304 declares arrives as from a server of Node's (P5)", async () => {
      listener = (_request, response) => response.writeHead(304, { "Content-Length": 11 }).end();
      const { fromNode, fromHost } = await both(request("GET /plugins/notes/ HTTP/1.1"));
      expect(fromHost.answer).toMatch(/\r\nContent-Length: 11\r\n/);
      expect(comparable(fromHost.answer)).toEqual(comparable(fromNode.answer));
    });

    it("what was called back as written arrives before the response breaks off (F1)", async () => {
      listener = (_request, response) => {
        response.write("written", () => response.socket?.emit("error", new Error("on purpose")));
      };
      const { fromNode, fromHost } = await both(request("GET /plugins/notes/ HTTP/1.1"));
      expect(fromHost.answer).toMatch(/\r\n\r\n7\r\nwritten\r\n$/);
      expect(comparable(fromHost.answer)).toEqual(comparable(fromNode.answer));
    });

    const everyField: Readonly<Record<string, string | string[]>> = {
      "Accept-Ranges": "bytes",
      Age: "1",
      Allow: "GET, HEAD",
      "Authentication-Info": 'nextnonce="a"',
      "Cache-Control": ["no-store", "private"],
      "Content-Disposition": 'attachment; filename="caf\xe9"',
      "Content-Encoding": "identity",
      "Content-Language": "en",
      "Content-Location": "/a",
      "Content-Range": "bytes 0-3/10",
      "Content-Type": "text/plain",
      Date: "Thu, 01 Jan 1970 00:00:00 GMT",
      ETag: 'W/"a"',
      Expires: "0",
      "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
      Link: ["</a>; rel=next", "</b>; rel=prev"],
      Location: "/elsewhere?a=b#c",
      "Retry-After": "5",
      Server: "a/1",
      "Set-Cookie": ["a=1; Path=/", "b=2"],
      "Strict-Transport-Security": "max-age=1",
      Vary: ["Accept", "Cookie"],
      Via: "1.1 a",
      Warning: '199 - "a"',
      "WWW-Authenticate": ['Basic realm="a"', 'Digest realm="b"'],
      "X-Empty": "",
      "x-lower-Case": "1",
    };

    it.each([200, 206, 301, 304, 401, 405, 416, 429, 503])(
      "every field of a response with status %i arrives as from a server of Node's",
      async (status) => {
        listener = (_request, response) => {
          response.writeHead(status, everyField);
          response.end(status === 304 ? undefined : "body");
        };
        const { fromNode, fromHost } = await both(request("GET /plugins/notes/ HTTP/1.1"));
        expect(comparable(fromHost.answer)).toEqual(comparable(fromNode.answer));
      },
    );

    it.each<[string, (response: ServerResponse) => void]>([
      ["a reason of its own", (response) => response.writeHead(200, "Fine by me").end("body")],
      ["an unknown status without a reason", (response) => response.writeHead(299).end("body")],
      [
        "a body in parts",
        (response) => {
          response.write("one, ");
          response.write("two, ");
          response.end("three");
        },
      ],
      [
        "a length and a body in parts",
        (response) => {
          response.setHeader("Content-Length", 8);
          response.write("one, ");
          response.end("two");
        },
      ],
      [
        "trailers",
        (response) => {
          response.setHeader("Trailer", "X-Sum, X-More");
          response.write("body");
          response.addTrailers({ "X-Sum": "1", "X-More": "2" });
          response.end();
        },
      ],
      [
        "early hints and 102",
        (response) => {
          response.writeProcessing();
          response.writeEarlyHints({ link: ["</a>; rel=preload", "</b>; rel=preload"] });
          response.end("body");
        },
      ],
      ["no body at all", (response) => response.end()],
      ["a head that is flushed", (response) => (response.flushHeaders(), response.end("body"))],
      [
        "426 with what to upgrade to",
        (response) => {
          response.writeHead(426, {
            Connection: "Upgrade",
            Upgrade: "websocket",
            "Sec-WebSocket-Version": "13, 8",
          });
          response.end("upgrade");
        },
      ],
      ["HEAD-like lengths on 204", (response) => response.writeHead(204, { "X-A": "1" }).end()],
    ])("%s arrives as from a server of Node's", async (what, respond) => {
      listener = (_request, response) => respond(response);
      // Node throws at trailers of a response to HEAD.
      for (const method of what === "trailers" ? ["GET"] : ["GET", "HEAD"]) {
        // oxlint-disable-next-line no-await-in-loop
        const { fromNode, fromHost } = await both(request(`${method} /plugins/notes/ HTTP/1.1`));
        expect([method, comparable(fromHost.answer)]).toEqual([
          method,
          comparable(fromNode.answer),
        ]);
      }
    });
  },
);
