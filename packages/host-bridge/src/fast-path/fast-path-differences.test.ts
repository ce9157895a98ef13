import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomRuns, turns, until } from "@servehttp/testkit";
import type { ResponseWriter } from "@servehttp/plugin-sdk";
import { fastPathOf } from "./install.js";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

/** What the plugin was asked, and what it saw, by the client's address. */
const calls: { readonly from: string; readonly call: string }[] = [];

let bridge: Bridge;
/** The same host on a server without a fast path. */
let plain: Server;

beforeAll(async () => {
  bridge = await Bridge.start({
    async serveHTTP(request, response) {
      const answer = answers[request.url.slice(1)];
      if (answer !== undefined) {
        await answer(response);
        return;
      }
      const body = createHash("sha256")
        .update(await request.bytes())
        .digest("hex");
      const fields = [...request.headers].map(([name, value]) => `${name}=${value}`);
      const call = [request.method, request.url, request.host, ...fields, body.slice(0, 8)];
      calls.push({ from: request.remoteAddress, call: call.join("|") });
      response.headers.set("x-call", encodeURIComponent(call.join("|")));
      await response.end(`<${request.url}>`);
    },
  });
  plain = bridge.host.attach(createServer(), { fastPath: false });
  plain.listen(0, "127.0.0.1");
  await once(plain, "listening");
});

afterAll(async () => {
  plain.closeAllConnections();
  plain.close();
  await bridge[Symbol.asyncDispose]();
});

const marker = "GET /plugins/notes/marker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

type Sending = (client: RawClient, bytes: string) => Promise<void> | void;

/** How bytes come to a server. */
const sendings: Readonly<Record<string, Sending>> = {
  "in one go": (client, bytes) => client.send(bytes + marker),
  "with the next request once it is answered": async (client, bytes) => {
    client.send(bytes);
    await until(() => client.received !== "" || isClosed(client), "an answer");
    client.send(marker);
  },
  "in two halves": async (client, bytes) => {
    client.send(bytes.slice(0, bytes.length / 2));
    await turns(3);
    client.send(bytes.slice(bytes.length / 2) + marker);
  },
  "byte for byte": async (client, bytes) => {
    for (const byte of bytes.slice(0, 100)) {
      client.send(byte);
      // oxlint-disable-next-line no-await-in-loop
      await turns(1);
    }
    client.send(bytes.slice(100) + marker);
  },
};

interface Outcome {
  readonly answer: string;
  readonly calls: readonly string[];
  readonly failure: unknown;
}

/** What comes back, and what the plugin saw of it. */
async function outcome(server: Server, bytes: string, send: Sending): Promise<Outcome> {
  calls.length = 0;
  using client = await RawClient.connect((server.address() as AddressInfo).port);
  // A call of the client before may come now, where its connection ended early.
  const ownAddress = `127.0.0.1:${client.socket.localPort}`;
  await send(client, bytes);
  await until(() => isClosed(client), "the end");
  const answer = (joinsChunks ? withoutChunkSizes(client.received) : client.received)
    .replaceAll(/^Date: .*GMT\r\n/gm, "Date\r\n")
    // Where a long chunk is cut depends on what else its connection to the plugin has carried.
    .replaceAll(/(?<=x)\r\n[0-9a-f]+\r\n(?=x)|(?<=y)\r\n[0-9a-f]+\r\n(?=y)/g, "")
    .replaceAll(/\r\n[0-9a-f]+\r\n(?=xx|yy)/g, "\r\nsize\r\n");
  // Of pipelined requests several may run at once.
  const own = calls.filter(({ from }) => from === ownAddress).map(({ call }) => call);
  return { answer, calls: own.toSorted(), failure: client.failure };
}

/** From version 26 on, Node makes one chunk of what is written in one turn of the event loop. */
const joinsChunks = Number.parseInt(process.versions.node, 10) >= 26;

/** Puts the chunks of each response together, up to one that is not whole. */
function withoutChunkSizes(received: string): string {
  const chunkedHead = /\r\nTransfer-Encoding: chunked\r\n(?:[^\r\n]+\r\n)*\r\n/g;
  let text = received;
  while (chunkedHead.exec(text) !== null) {
    let at = chunkedHead.lastIndex;
    for (;;) {
      const [start, size = ""] = /^([0-9a-f]+)\r\n/.exec(text.slice(at)) ?? [""];
      const bytes = Number.parseInt(size, 16);
      const end = at + start.length + bytes;
      if (start === "" || bytes === 0 || text.slice(end, end + 2) !== "\r\n") {
        break;
      }
      text = text.slice(0, at) + text.slice(at + start.length, end) + text.slice(end + 2);
      at += bytes;
    }
    chunkedHead.lastIndex = at;
  }
  return text;
}

function isClosed(client: RawClient): boolean {
  return client.ended || client.socket.destroyed;
}

function byNumber(one: number, other: number): number {
  return one - other;
}

/** A request of lines without a body. */
function head(...lines: readonly string[]): string {
  return [...lines, "", ""].join("\r\n");
}
const get = (...fields: readonly string[]) =>
  head("GET /plugins/notes/x HTTP/1.1", "Host: a", ...fields);
const post = (...fields: readonly string[]) =>
  head("POST /plugins/notes/x HTTP/1.1", "Host: a", ...fields);
const target = (text: string) => head(`GET ${text} HTTP/1.1`, "Host: a");
const smuggled = "GET /plugins/notes/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const chunked = `3\r\nabc\r\n0\r\n\r\n`;

/** All are answered, or end the connection, without anything more being sent. */
const inputs: Readonly<Record<string, string>> = {
  "a GET": get(),
  "a GET with fields": get("X-A: 1", "x-a: 2", "Cookie: a=b", "Cookie: c=d", "X-Empty:"),
  "a GET with blanks around values": get("X-A:\t 1 \t", "X-B:2"),
  "a GET with bytes": get("X-A: caf\xe9\xff\x80"),
  "a GET that keeps alive": get("Connection: keep-alive"),
  "a GET that keeps alive loudly": get("CONNECTION: KEEP-ALIVE"),
  "a GET that closes": get("Connection: close"),
  "a GET that names a field": get("Connection: x-a", "X-A: 1"),
  "a GET that keeps alive and names a field": get("Connection: keep-alive, x-a", "X-A: 1"),
  "a GET that keeps alive twice": get("Connection: keep-alive", "Connection: keep-alive"),
  "a GET that keeps alive and closes": get("Connection: keep-alive", "Connection: close"),
  "Proxy-Connection: close": get("Proxy-Connection: close"),
  "Proxy-Connection: keep-alive": get("Proxy-Connection: keep-alive"),
  "Keep-Alive": get("Keep-Alive: timeout=1"),
  HEAD: head("HEAD /plugins/notes/x HTTP/1.1", "Host: a"),
  PUT: head("PUT /plugins/notes/x HTTP/1.1", "Host: a", "Content-Length: 3") + "abc",
  PATCH: head("PATCH /plugins/notes/x HTTP/1.1", "Host: a", "Content-Length: 3") + "abc",
  DELETE: head("DELETE /plugins/notes/x HTTP/1.1", "Host: a"),
  "DELETE with a body":
    head("DELETE /plugins/notes/x HTTP/1.1", "Host: a", "Content-Length: 1") + "a",
  OPTIONS: head("OPTIONS /plugins/notes/x HTTP/1.1", "Host: a"),
  TRACE: head("TRACE /plugins/notes/x HTTP/1.1", "Host: a"),
  PROPFIND: head("PROPFIND /plugins/notes/x HTTP/1.1", "Host: a"),
  QUERY: head("QUERY /plugins/notes/x HTTP/1.1", "Host: a"),
  "an unknown method": head("HACK /plugins/notes/x HTTP/1.1", "Host: a"),
  "a method in lower case": head("get /plugins/notes/x HTTP/1.1", "Host: a"),
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "an empty line in front": `\r\n${get()}`,
  "empty lines in front": `\r\n\r\n\r\n${get()}`,
  "a bare LF in front": `\n${get()}`,
  TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  NULs: "\0\0\0\0",
  "a blank in front": ` ${get()}`,
  "a POST of nothing": post(),
  "a POST of length 0": post("Content-Length: 0"),
  "a POST of a length": post("Content-Length: 3") + "abc",
  "a POST whose body looks like a request": post(`Content-Length: ${smuggled.length}`) + smuggled,
  "a GET with a body": get("Content-Length: 3") + "abc",
  "a length of zeros": post("Content-Length: 0000003") + "abc",
  "a length that is negative": post("Content-Length: -1") + smuggled,
  "a length with a sign": post("Content-Length: +3") + "abc",
  "a length with a point": post("Content-Length: 3.0") + "abc",
  "a hexadecimal length": post("Content-Length: 0x3") + "abc",
  "a length in letters": post("Content-Length: abc") + "abc",
  "an empty length": post("Content-Length:") + "abc",
  "a length of two numbers": post("Content-Length: 3 3") + "abc",
  "a list of equal lengths": post("Content-Length: 3, 3") + "abc",
  "two equal lengths": post("Content-Length: 3", "Content-Length: 3") + "abc",
  "two lengths": post("Content-Length: 3", "Content-Length: 5") + "abc",
  "a length and one in other case": post("Content-Length: 3", "CONTENT-LENGTH: 0") + "abc",
  "a length with an underscore": post("Content_Length: 3", "Content-Length: 3") + "abc",
  "a length beyond 64 bits": post("Content-Length: 99999999999999999999") + "abc",
  "a length in front of a colon": post("Content-Length : 3") + "abc",
  "CL and TE": post("Content-Length: 3", "Transfer-Encoding: chunked") + chunked,
  "TE and CL": post("Transfer-Encoding: chunked", "Content-Length: 3") + chunked,
  "CL 0 and TE": post("Content-Length: 0", "Transfer-Encoding: chunked") + chunked + smuggled,
  chunked: post("Transfer-Encoding: chunked") + chunked,
  "chunked, loudly": post("TRANSFER-ENCODING: CHUNKED") + chunked,
  "chunked with extensions": post("Transfer-Encoding: chunked") + "3;a=b\r\nabc\r\n0\r\n\r\n",
  "chunked with trailers": post("Transfer-Encoding: chunked") + "0\r\nX-T: 1\r\n\r\n",
  "chunked with a bad size": post("Transfer-Encoding: chunked") + "z\r\nabc\r\n0\r\n\r\n",
  "chunked with a signed size": post("Transfer-Encoding: chunked") + "+3\r\nabc\r\n0\r\n\r\n",
  "chunked with bare LF": post("Transfer-Encoding: chunked") + "3\nabc\n0\n\n",
  "chunked twice": post("Transfer-Encoding: chunked, chunked") + chunked,
  "chunked in two fields": post(...Array<string>(2).fill("Transfer-Encoding: chunked")) + chunked,
  "chunked behind gzip": post("Transfer-Encoding: gzip, chunked") + chunked,
  "gzip behind chunked": post("Transfer-Encoding: chunked, gzip") + chunked,
  identity: post("Transfer-Encoding: identity") + "abc",
  xchunked: post("Transfer-Encoding: xchunked") + chunked,
  "chunked behind a tab": post("Transfer-Encoding:\tchunked") + chunked,
  "chunked behind a vertical tab": post("Transfer-Encoding: \x0bchunked") + chunked,
  "chunked with a blank before the colon": post("Transfer-Encoding : chunked") + chunked,
  "chunked on a folded line": post("Transfer-Encoding:\r\n chunked") + chunked,
  "chunked with an underscore": post("Transfer_Encoding: chunked"),
  "chunked behind NUL": post("Transfer-Encoding: chunked\0") + chunked,
  "chunked on HTTP/1.0":
    head("POST /plugins/notes/x HTTP/1.0", "Host: a", "Transfer-Encoding: chunked") + chunked,
  "HTTP/1.0": head("GET /plugins/notes/x HTTP/1.0", "Host: a"),
  "HTTP/1.0 that keeps alive": head(
    "GET /plugins/notes/x HTTP/1.0",
    "Host: a",
    "Connection: keep-alive",
  ),
  "HTTP/1.0 without a Host": head("GET /plugins/notes/x HTTP/1.0"),
  "HTTP/0.9": "GET /plugins/notes/x\r\n\r\n",
  "HTTP/1.2": head("GET /plugins/notes/x HTTP/1.2", "Host: a"),
  "HTTP/2.0": head("GET /plugins/notes/x HTTP/2.0", "Host: a"),
  "HTTP/1.1 and more": head("GET /plugins/notes/x HTTP/1.1 x", "Host: a"),
  "HTTP/01.1": head("GET /plugins/notes/x HTTP/01.1", "Host: a"),
  "two blanks": head("GET  /plugins/notes/x HTTP/1.1", "Host: a"),
  "a tab between": head("GET\t/plugins/notes/x\tHTTP/1.1", "Host: a"),
  "bare LF": get("X-A: 1").replaceAll("\r\n", "\n"),
  "bare LF in one line": get("X-A: 1\nX-B: 2"),
  "bare CR in one line": get("X-A: 1\rX-B: 2"),
  "a bare CR at the end of a line": get("X-A: 1\r"),
  "LF CR": get("X-A: 1\n\rX-B: 2"),
  "an end of LF LF": "GET /plugins/notes/x HTTP/1.1\r\nHost: a\n\n",
  "a folded line": get("X-A: 1", " 2"),
  "a line folded by a tab": get("X-A: 1", "\t2"),
  "a folded line that looks like a field": get("X-A: 1", " Transfer-Encoding: chunked"),
  "a folded first field": head("GET /plugins/notes/x HTTP/1.1", " X-A: 1", "Host: a"),
  "a blank before a colon": get("X-A : 1"),
  "a tab before a colon": get("X-A\t: 1"),
  "no colon": get("X-A"),
  "no name": get(": 1"),
  "a name with a blank": get("X A: 1"),
  "a name in brackets": get("(X): 1"),
  "a name above 0x7f": get("X\xe9: 1"),
  "a name with NUL": get("X\0A: 1"),
  "a long name": get(`${"x".repeat(300)}: 1`),
  "a value with NUL": get("X-A: a\0b"),
  "a value with a control character": get("X-A: a\x01b"),
  "a value with DEL": get("X-A: a\x7fb"),
  "a value with ESC": get("X-A: \x1b[31m"),
  "no Host": head("GET /plugins/notes/x HTTP/1.1"),
  "an empty Host": head("GET /plugins/notes/x HTTP/1.1", "Host:"),
  "two Hosts": get("Host: b"),
  "two equal Hosts": get("host: a"),
  "a bad Host": head("GET /plugins/notes/x HTTP/1.1", "Host: a/b"),
  "a Host with a user": head("GET /plugins/notes/x HTTP/1.1", "Host: u@a"),
  "a Host with a blank": head("GET /plugins/notes/x HTTP/1.1", "Host: a b"),
  "an absolute target": target("http://b/plugins/notes/x"),
  "an absolute target with a user": target("http://u@b/plugins/notes/x"),
  "an absolute https target": target("https://b/plugins/notes/x"),
  "an authority": target("a:80"),
  "an asterisk": head("OPTIONS * HTTP/1.1", "Host: a"),
  "two slashes": target("//evil/plugins/notes/x"),
  "dot segments": target("/plugins/notes/../other/x"),
  "dot segments in front": target("/x/../plugins/notes/x"),
  "escaped dots": target("/plugins/notes/%2e%2e/x"),
  "an escaped NUL": target("/plugins/notes/%00"),
  "a backslash": target("/plugins/notes/\\x"),
  "a fragment": target("/plugins/notes/x#y"),
  "a bad escape": target("/plugins/notes/%zz?%"),
  "a byte in the target": target("/plugins/notes/\xe9"),
  "UTF-8 in the target": target("/plugins/notes/\xc3\xa9"),
  "a control character in the target": target("/plugins/notes/\x01"),
  "DEL in the target": target("/plugins/notes/\x7f"),
  "odd characters": target('/plugins/notes/"<>\\^`{|}[]'),
  "a query": target("/plugins/notes?a=1&a=2;&%26"),
  "the bare plugin": target("/plugins/notes"),
  "no plugin": target("/plugins/"),
  "an unknown plugin": target("/plugins/other/x"),
  "a plugin that is none": target("/plugins/a%20b/x"),
  "dots for a plugin": target("/plugins/../x"),
  elsewhere: target("/elsewhere"),
  "the root": target("/"),
  "Expect: 100-continue": post("Expect: 100-continue", "Content-Length: 3") + "abc",
  "Expect of something else": post("Expect: a", "Content-Length: 3") + "abc",
  "an upgrade": get("Connection: Upgrade", "Upgrade: websocket"),
  "an upgrade to h2c": get(
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: a",
  ),
  "an upgrade without Connection": get("Upgrade: websocket"),
  "TE: trailers": get("TE: trailers"),
  "TE: trailers that is named": get("TE: trailers", "Connection: TE"),
  Trailer: post("Trailer: x-a", "Content-Length: 3") + "abc",
  Proxy: get("Proxy: http://evil/"),
  "what only a host sets": get(
    "X-Forwarded-For: 1.2.3.4",
    "Forwarded: for=x",
    "X_Forwarded_For: 1",
  ),
  "99 fields": get(...Array<string>(98).fill("X-A: 1")),
  "101 fields": get(...Array<string>(100).fill("X-A: 1")),
  "799 fields": get(...Array<string>(798).fill("X: 1")),
  "999 fields": get(...Array<string>(998).fill("X: 1")),
  "1,500 fields": get(...Array<string>(1_499).fill("X: 1")),
  "a head of 16,000 bytes": get(`X-A: ${"x".repeat(15_900)}`),
  "a head of 17,000 bytes": get(`X-A: ${"x".repeat(16_900)}`),
  "a head of 70,000 bytes": get(`X-A: ${"x".repeat(69_900)}`),
  "a target of 15,000 bytes": target(`/plugins/notes/${"x".repeat(15_000)}`),
  "a target of 20,000 bytes": target(`/plugins/notes/${"x".repeat(20_000)}`),
  "two requests": get() + get("X-A: 2"),
  "a request and junk": `${get()}junk\r\n\r\n`,
  "a body and junk": `${post("Content-Length: 3")}abcjunk\r\n\r\n`,
  "a body and a request": post("Content-Length: 3") + "abc" + get(),
  "a request and an empty line": `${get()}\r\n`,
  "a request that closes and one more": get("Connection: close") + smuggled,
};

/** What a plugin may answer. */
const answers: Readonly<Record<string, (response: ResponseWriter) => Promise<void> | void>> = {
  nothing: () => undefined,
  throws: () => Promise.reject(new Error("on purpose")),
  "throws-late": async (response) => {
    await response.write("begun");
    await response.flush();
    throw new Error("on purpose");
  },
  reason: (response) => response.writeHead(200, "Fine caf\xe9"),
  "reason-of-no-status": (response) => response.writeHead(299, "Made up", { "x-m": "1" }),
  ...Object.fromEntries(
    [200, 201, 204, 205, 206, 299, 304, 404, 500, 599, 600, 999].flatMap((status) => [
      [`status-${status}`, (response: ResponseWriter) => response.writeHead(status)],
      [
        `status-${status}-body`,
        async (response: ResponseWriter) => {
          response.writeHead(status);
          await response.end("body");
        },
      ],
      [
        `status-${status}-flush`,
        async (response: ResponseWriter) => {
          response.writeHead(status);
          await response.flush();
          await response.end();
        },
      ],
    ]),
  ),
  "status-42": (response) => response.writeHead(42),
  length: async (response) => {
    response.headers.set("content-length", "4");
    await response.write("bo");
    await response.end("dy");
  },
  "length-0": (response) => response.headers.set("content-length", "0"),
  "length-short": async (response) => {
    response.headers.set("content-length", "9");
    await response.end("body");
  },
  "length-long": async (response) => {
    response.headers.set("content-length", "2");
    await response.end("body");
  },
  "length-bad": (response) => response.headers.set("content-length", "x"),
  date: async (response) => {
    response.headers.set("DATE", "never");
    await response.end("body");
  },
  "date-late": async (response) => {
    response.headers.set("date", "never");
    await response.write("body");
  },
  fields: async (response) => {
    response.headers.append("Set-Cookie", "a=1");
    response.headers.append("set-cookie", "b=2");
    response.headers.set("x-empty", "");
    response.headers.set("x-bytes", "caf\xe9");
    response.headers.set("content-disposition", 'attachment; filename="\xe9"');
    response.headers.set("connection", "close, x-named");
    response.headers.set("x-named", "1");
    response.headers.set("keep-alive", "timeout=99");
    response.headers.set("transfer-encoding", "gzip");
    response.headers.set("upgrade", "h2c");
    await response.end("body");
  },
  chunks: async (response) => {
    for (const text of ["a", "bc", "def", "x".repeat(5_000), "y".repeat(70_000)]) {
      // oxlint-disable-next-line no-await-in-loop
      await response.write(text);
      // oxlint-disable-next-line no-await-in-loop
      await response.flush();
    }
  },
  "an-empty-chunk": async (response) => {
    await response.write("");
    await response.flush();
    await response.write("a");
  },
  large: (response) => response.end("x".repeat(100_000)),
  "4096": (response) => response.end("x".repeat(4_096)),
  "4097": (response) => response.end("x".repeat(4_097)),
  trailers: async (response) => {
    response.headers.set("trailer", "x-sum");
    response.trailers.append("x-sum", "1");
    await response.end("body");
  },
  "trailers-alone": (response) => response.trailers.append("x-sum", "1"),
  "trailers-unannounced": async (response) => {
    await response.write("body");
    response.trailers.append("x-sum", "1");
  },
  "trailers-of-a-length": async (response) => {
    response.headers.set("content-length", "4");
    response.trailers.append("x-sum", "1");
    await response.end("body");
  },
  informational: async (response) => {
    await response.informational(103, [["link", "</a>"]]);
    await response.informational(102, []);
    await response.informational(199, [["x", "\xe9"]]);
    await response.end("body");
  },
  continues: async (response) => {
    await response.informational(100, []);
    await response.end("body");
  },
};

/** Nothing is answered until more comes. */
const waitsForMore = new Set(["TLS", "NULs"]);

/**
 * What ends the connection by itself, so that a marker would meet a reset. Whether the request in
 * front of the junk gets to the plugin before its connection is gone is a matter of one tick.
 */
const endsIt = new Set(["a request and junk", "a body and junk"]);

/** What is answered without the marker, so that the connection ends when its server has waited for more. */
const waitsForKeepAlive = new Set(["an upgrade to h2c"]);

function keepAliveForMs(ms: number): void {
  for (const server of [plain, bridge.server as Server]) {
    Object.assign(server, { keepAliveTimeout: ms, keepAliveTimeoutBuffer: 0 });
  }
}

describe("a host whose server has a fast path", () => {
  it("has inputs enough", () => {
    expect(Object.keys(inputs).length).toBeGreaterThan(100);
  });

  describe.each(Object.keys(sendings))("that get to it %s", (sending) => {
    it.each(Object.entries(inputs))("answers %s as one without", async (name, bytes) => {
      const wanted = sending.startsWith("with") && waitsForMore.has(name) ? "in one go" : sending;
      const send = endsIt.has(name)
        ? (client: RawClient, all: string) => client.send(all)
        : sendings[wanted];
      keepAliveForMs(waitsForKeepAlive.has(name) && !sending.startsWith("with") ? 50 : 5_000);
      const without = await outcome(plain, bytes, send!);
      const withFastPath = await outcome(bridge.server as Server, bytes, send!);
      const compared = endsIt.has(name) ? without.calls : withFastPath.calls;
      expect({ ...withFastPath, calls: compared }).toEqual(without);
    });
  });

  describe.each(["GET", "HEAD"])("passes on to a %s", (method) => {
    it.each(Object.keys(answers))("the answer %s as one without", async (name) => {
      const bytes = head(`${method} /plugins/notes/${name} HTTP/1.1`, "Host: a");
      const send = sendings["with the next request once it is answered"];
      const before = fastPathOf(bridge.server)?.served ?? 0;
      const without = await outcome(plain, bytes, send!);
      expect(await outcome(bridge.server as Server, bytes, send!)).toEqual(without);
      expect(fastPathOf(bridge.server)?.served).toBe(before + 1);
    });
  });

  it("shows the plugin's own reason phrase", async () => {
    const bytes = head("GET /plugins/notes/reason HTTP/1.1", "Host: a");
    const { answer } = await outcome(plain, bytes, sendings["in one go"]!);
    expect(answer).toMatch(/^HTTP\/1\.1 200 Fine caf\xe9\r\n/);
  });

  it(
    "answers whole requests alike, however they are put together and cut",
    { timeout: 120_000 },
    async () => {
      const body = "x".repeat(70_000);
      const messages = [
        get("X-A: 1"),
        head("HEAD /plugins/notes/h HTTP/1.1", "Host: a"),
        `${post("Content-Length: 10")}0123456789`,
        `${post(`Content-Length: ${body.length}`)}${body}`,
        post("Transfer-Encoding: chunked") + chunked,
        get("TE: trailers"),
        target("/elsewhere"),
        target("/plugins/notes/chunks"),
        target("/plugins/notes/status-304"),
      ];
      const before = fastPathOf(bridge.server)?.served ?? 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...messages), { minLength: 1, maxLength: 4 }),
          fc.array(fc.nat(200_000), { maxLength: 4 }),
          fc.nat(3),
          async (all, cuts, pause) => {
            const bytes = all.join("") + marker;
            const at = [...cuts.map((cut) => cut % bytes.length), all[0]!.length].toSorted(
              byNumber,
            );
            const send: Sending = async (client) => {
              let from = 0;
              for (const to of [...at, bytes.length]) {
                client.send(bytes.slice(from, to));
                from = to;
                // oxlint-disable-next-line no-await-in-loop
                await turns(pause);
              }
            };
            const without = await outcome(plain, bytes, send);
            expect(await outcome(bridge.server as Server, bytes, send)).toEqual(without);
          },
        ),
        randomRuns(150),
      );
      expect(fastPathOf(bridge.server)?.served).toBeGreaterThan(before);
    },
  );

  it("takes what is plain into it", async () => {
    const fastPath = fastPathOf(bridge.server);
    const before = fastPath?.served ?? 0;
    const wait = sendings["with the next request once it is answered"];
    await outcome(bridge.server as Server, inputs["a GET with fields"]!, wait!);
    await outcome(bridge.server as Server, inputs["a POST of a length"]!, wait!);
    expect(fastPath?.served).toBe(before + 2);
    expect(fastPathOf(plain)).toBeUndefined();
  });
});
