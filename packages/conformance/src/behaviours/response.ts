import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { clientPreface, headersFrame, readStreamEnd } from "@servehttp/testkit";
import type { Behaviour } from "../behaviour.js";
import { call, Http1Client, type Pairs, valuesOf } from "servehttp-conformance/testing";
import { described } from "../described.js";
import type { HandlerRequest, HandlerResponse } from "../handler.js";
import { seededBytes, seededChunks, seededSha256, sha256 } from "../seeded-bytes.js";
import { settled } from "../settled.js";
import {
  bodySizesBytes,
  carriageOf,
  buffersOf,
  inFlightBytesMax,
  standingBytesMax,
  unreadBytes,
} from "./request.js";

const mebibyte = 1_048_576;

/** Statuses that no final response can have. 101 is for connections that a handler takes over. */
const impossibleStatuses: readonly number[] = [-1, 0, 42, 99, 101, 1_000, 65_535, Number.NaN];

/** Faults that Node's HTTP/2 does not check, so that the stream or its connection breaks. */
const uncheckedOnHttp2: readonly string[] = [
  "NUL in a value",
  "a colon in a name",
  "CR LF in a name",
];

/** Fields that are no header fields or would end their line early, by what is wrong with them. */
const brokenFields: readonly (readonly [string, string, string])[] = [
  ["CR LF in a value", "x-a", "1\r\nx-evil: 1"],
  ["LF in a value", "x-a", "1\nx-evil: 1"],
  ["CR in a value", "x-a", "1\rx-evil: 1"],
  ["NUL in a value", "x-a", "1\0x-evil: 1"],
  ["a value beyond Latin-1", "x-a", "1\u{10a}x-evil"],
  ["a space in a name", "x evil", "1"],
  ["a colon in a name", "x-evil:", "1"],
  ["CR LF in a name", "x-a\r\nx-evil", "1"],
  ["no name", "", "x-evil"],
];

export const responseBehaviours: readonly Behaviour[] = [
  {
    row: "P1",
    name: "nothing written makes an empty 200",
    handler: () => undefined,
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 200);
      strictEqual(answer.body.byteLength, 0);
    },
  },
  {
    row: "P1",
    name: "the first write without a status makes it 200",
    async handler(_request, response) {
      await response.write("hello, ");
      await response.write(Buffer.from("world"));
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 200);
      strictEqual(Buffer.from(answer.body).toString(), "hello, world");
    },
  },
  {
    row: "P2",
    name: "headers change until the head is committed, and are ignored after",
    async handler(_request, response, observe) {
      response.headers.set("x-early", "no");
      response.headers.set("X-Early", "yes");
      response.headers.append("x-gone", "1");
      response.headers.delete("X-Gone");
      observe.event("before", response.committed);
      await response.write("a");
      observe.event("after", response.committed);
      response.headers.set("x-early", "changed");
      response.headers.append("x-late", "1");
      await response.end("b");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const answer = await call(client, { path: one.path });
      deepStrictEqual(valuesOf(answer.headers, "x-early"), ["yes"]);
      deepStrictEqual(valuesOf(answer.headers, "x-gone"), []);
      deepStrictEqual(valuesOf(answer.headers, "x-late"), []);
      strictEqual(Buffer.from(answer.body).toString(), "ab");
      strictEqual(await one.next("before"), false);
      strictEqual(await one.next("after"), true);
    },
  },
  {
    row: "P2",
    name: "a second writeHead is ignored",
    async handler(_request, response) {
      response.writeHead(201);
      response.writeHead(500);
      await response.write("made");
      response.writeHead(404);
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 201);
      strictEqual(Buffer.from(answer.body).toString(), "made");
    },
  },
  {
    row: "P3",
    name: "a final status of 200 to 599 arrives as it is",
    handler: answerTheStatusAsked,
    async check({ client, exchange }) {
      for (const status of [200, 201, 226, 299, 302, 399, 400, 418, 499, 500, 599]) {
        const answer = await call(client, { path: `${exchange().path}?status=${status}` });
        strictEqual(answer.status, status);
        strictEqual(Buffer.from(answer.body).toString(), "body");
      }
    },
  },
  {
    row: "P3",
    name: "a final status of 600 to 999 arrives as it is on HTTP/1.1 and as 500 on HTTP/2",
    handler: answerTheStatusAsked,
    async check({ client, exchange }) {
      for (const status of [600, 777, 999]) {
        const answer = await call(client, { path: `${exchange().path}?status=${status}` });
        strictEqual(answer.status, client.protocol === "HTTP/1.1" ? status : 500);
      }
    },
  },
  ...impossibleStatuses.map((status): Behaviour => ({
    row: "P3",
    name: `writeHead(${status}) makes it 500, and the next request is served`,
    failsOn: status === 0 || Number.isNaN(status) ? { "direct/http2": "Node makes it 200" } : {},
    handler: answerTheStatusAsked,
    async check({ client, exchange, target }) {
      const answer = await call(client, { path: `${exchange().path}?status=${status}` });
      strictEqual(answer.status, 500);
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  })),
  {
    row: "P3",
    name: "writeHead(103) sends an interim response and leaves the final one open",
    async handler(_request, response) {
      response.headers.set("link", "</a.css>; rel=preload");
      response.writeHead(103);
      response.headers.delete("link");
      response.headers.set("x-final", "1");
      response.writeHead(203);
      await response.end("final");
    },
    async check({ client, exchange }) {
      const open = client.open({ path: exchange().path });
      const head = await open.head;
      strictEqual(head.status, 203);
      deepStrictEqual(valuesOf(head.headers, "x-final"), ["1"]);
      strictEqual(Buffer.from(await open.rest()).toString(), "final");
      deepStrictEqual(
        open.informational.map((one) => one.status),
        [103],
      );
    },
  },
  {
    row: "P4",
    name: "each value of a field stands on a line of its own, in order",
    async handler(_request, response) {
      response.headers.append("set-cookie", "a=1; Path=/");
      response.headers.append("x-m", "one, two");
      response.headers.append("Set-Cookie", "b=2");
      response.headers.append("x-m", "three");
      response.headers.append("set-cookie", "a=1; Path=/");
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      deepStrictEqual(valuesOf(answer.headers, "set-cookie"), [
        "a=1; Path=/",
        "b=2",
        "a=1; Path=/",
      ]);
      deepStrictEqual(valuesOf(answer.headers, "x-m"), ["one, two", "three"]);
    },
  },
  ...[204, 304].map((status): Behaviour => ({
    row: "P5",
    name: `${status} has no body, and the connection stays usable`,
    async handler(_request, response) {
      response.writeHead(status);
      await response.write("junk").catch(() => undefined);
      await response.end().catch(() => undefined);
    },
    async check({ client, exchange, target }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, status);
      strictEqual(answer.body.byteLength, 0);
      deepStrictEqual(valuesOf(answer.headers, "transfer-encoding"), []);
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  })),
  {
    row: "P5",
    name: "204 has no Content-Length even if the handler declares one",
    failsOn: { "direct/http1": "Node sends what was set" },
    async handler(_request, response) {
      response.headers.set("content-length", "0");
      response.writeHead(204);
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 204);
      deepStrictEqual(valuesOf(answer.headers, "content-length"), []);
    },
  },
  {
    row: "P5",
    name: "304 has no body and keeps a declared Content-Length",
    async handler(_request, response) {
      response.headers.set("content-length", "11");
      response.writeHead(304);
      await response.end();
    },
    async check({ client, exchange, target }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 304);
      strictEqual(answer.body.byteLength, 0);
      deepStrictEqual(valuesOf(answer.headers, "content-length"), ["11"]);
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "P5",
    name: "HEAD has no body and keeps a declared Content-Length",
    async handler(_request, response) {
      response.headers.set("content-length", "5");
      await response.end("hello").catch(() => undefined);
    },
    async check({ client, exchange, target }) {
      const answer = await call(client, { method: "HEAD", path: exchange().path });
      strictEqual(answer.status, 200);
      strictEqual(answer.body.byteLength, 0);
      deepStrictEqual(valuesOf(answer.headers, "content-length"), ["5"]);
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "P5",
    name: "the bytes behind a 204, a 304 and a HEAD belong to the next response",
    clients: ["http1"],
    handler: answerTheStatusAsked,
    async check({ raw, exchange }) {
      const connection = await raw();
      const ask = (method: string, status: number) => {
        connection.send(
          `${method} ${exchange().path}?status=${status} HTTP/1.1\r\nHost: a\r\n\r\n`,
        );
      };
      for (const status of [204, 304]) {
        ask("GET", status);
        const answer = await connection.readResponse();
        strictEqual(answer.status, status);
        doesNotMatch(answer.rawHead, /\r\ntransfer-encoding:/i);
      }
      ask("HEAD", 200);
      strictEqual((await connection.readResponse(true)).status, 200);
      ask("GET", 200);
      strictEqual((await connection.readResponse()).body.toString(), "body");
    },
  },
  {
    row: "P6",
    name: "of a body longer than its Content-Length no more arrives, then the connection closes",
    clients: ["http1"],
    failsOn: { direct: "Node sends the excess" },
    async handler(_request, response, observe) {
      response.headers.set("content-length", "5");
      await response.write("1234");
      await observe.gate("excess");
      await response.write("567890").catch(() => undefined);
      await response.end().catch(() => undefined);
    },
    async check({ raw, exchange }) {
      const one = exchange();
      const connection = await raw();
      connection.send(`GET ${one.path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await connection.readThrough("1234");
      one.open("excess");
      // Bytes that are still on their way may be lost when the transfer is broken.
      match(await connection.readAll(), /^5?$/);
    },
  },
  {
    row: "P6",
    name: "a body longer than its Content-Length in one write does not overrun either",
    clients: ["http1"],
    failsOn: { direct: "Node sends the excess" },
    async handler(_request, response) {
      response.headers.set("content-length", "5");
      await response.end("1234567890").catch(() => undefined);
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      connection.send(`GET ${exchange().path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const rest = await connection.readAllAfterFinish();
      ok(!rest.includes("123456"), rest);
    },
  },
  {
    row: "P6",
    name: "a Content-Length that does not fit is answered 500 while nothing has gone out",
    failsOn: {
      "direct/http1": "Node sends what does not fit",
      "direct/http2": "the client ends the whole connection",
    },
    async handler(request, response) {
      response.headers.set("content-length", "5");
      await response.end(request.url.endsWith("?long") ? "1234567890" : "123");
    },
    async check({ client, exchange, target }) {
      for (const query of ["?long", "?short"]) {
        const answer = await call(client, { path: `${exchange().path}${query}` });
        strictEqual(answer.status, 500);
        doesNotMatch(Buffer.from(answer.body).toString(), /123/);
      }
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "P6",
    name: "a body longer than its Content-Length harms no other exchange",
    clients: ["http2"],
    failsOn: { direct: "Node sends the excess and the client ends the whole connection" },
    async handler(_request, response, observe) {
      response.headers.set("content-length", "5");
      await response.write("1234");
      await observe.gate("excess");
      await response.write("567890").catch(() => undefined);
      await response.end().catch(() => undefined);
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      strictEqual(Buffer.from((await open.read()) ?? []).toString(), "1234");
      one.open("excess");
      const got = await open.rest().catch(() => Buffer.from("5"));
      strictEqual(Buffer.from(got).toString(), "5");
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "P6",
    name: "a body shorter than its Content-Length is a broken transfer",
    notOn: { direct: "Node leaves the client hanging" },
    async handler(_request, response, observe) {
      response.headers.set("content-length", "10");
      await response.write("12345");
      await observe.gate("end");
      await response.end().catch(() => undefined);
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      strictEqual(Buffer.from((await open.read()) ?? []).toString(), "12345");
      one.open("end");
      await rejects(open.rest());
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "P6",
    name: "a Content-Length that is kept to arrives",
    async handler(_request, response) {
      response.headers.set("content-length", "100000");
      const body = seededBytes("P6", 100_000);
      await response.write(body.subarray(0, 70_000));
      await response.end(body.subarray(70_000));
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      deepStrictEqual(valuesOf(answer.headers, "content-length"), ["100000"]);
      strictEqual(sha256(answer.body), seededSha256("P6", 100_000));
    },
  },
  {
    row: "P7",
    name: "framing and hop-by-hop fields of the handler stay behind",
    failsOn: { "direct/http1": "Node sends what was set", "direct/http2": "Node throws at them" },
    async handler(_request, response) {
      response.headers.set("content-length", "5");
      response.headers.set("transfer-encoding", "gzip, chunked");
      response.headers.set("connection", "close, x-hop");
      response.headers.set("keep-alive", "timeout=1");
      response.headers.set("proxy-connection", "close");
      response.headers.set("upgrade", "h2c");
      response.headers.set("x-hop", "1");
      response.headers.set("x-end", "1");
      await response.end("hello");
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 200);
      strictEqual(Buffer.from(answer.body).toString(), "hello");
      for (const name of ["proxy-connection", "upgrade", "x-hop"]) {
        deepStrictEqual(valuesOf(answer.headers, name), [], name);
      }
      doesNotMatch(valuesOf(answer.headers, "transfer-encoding").join(), /gzip/);
      doesNotMatch(valuesOf(answer.headers, "connection").join(), /x-hop/);
      ok(!valuesOf(answer.headers, "keep-alive").includes("timeout=1"));
      deepStrictEqual(valuesOf(answer.headers, "x-end"), ["1"]);
    },
  },
  {
    row: "P7",
    name: "never both Content-Length and Transfer-Encoding",
    clients: ["http1"],
    failsOn: { direct: "Node sends both" },
    async handler(_request, response) {
      response.headers.set("content-length", "5");
      response.headers.set("transfer-encoding", "chunked");
      await response.end("hello");
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      connection.send(`GET ${exchange().path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await connection.readResponse();
      strictEqual(answer.body.toString(), "hello");
      match(answer.rawHead, /\r\ncontent-length: 5/i);
      doesNotMatch(answer.rawHead, /\r\ntransfer-encoding:/i);
    },
  },
  ...brokenFields.map(([what, name, value]): Behaviour => ({
    row: "P8",
    name: `${what} never reaches the wire`,
    failsOn: uncheckedOnHttp2.includes(what) ? { "direct/http2": "Node sends it" } : {},
    async handler(_request, response) {
      response.headers.append(name, value);
      await response.end("sent");
    },
    async check({ client, exchange, target }) {
      const answer = await call(client, { path: exchange().path });
      ok(answer.status === 200 || answer.status === 500, `status ${answer.status}`);
      ok(!answer.headers.some(([key]) => key.toLowerCase().includes("evil")));
      ok(!answer.headers.some(([, text]) => text.includes("evil")));
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  })),
  {
    row: "P9",
    name: "response trailers arrive",
    async handler(_request, response) {
      await response.write("body");
      response.trailers.append("x-checksum", "abc");
      response.trailers.append("x-note", "two words");
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path, headers: [["te", "trailers"]] });
      strictEqual(Buffer.from(answer.body).toString(), "body");
      deepStrictEqual(valuesOf(answer.trailers, "x-checksum"), ["abc"]);
      deepStrictEqual(valuesOf(answer.trailers, "x-note"), ["two words"]);
    },
  },
  {
    row: "P9",
    name: "trailers that frame, route or authenticate are dropped",
    failsOn: { direct: "Node sends what was set" },
    async handler(_request, response) {
      await response.write("body");
      response.trailers.append("content-length", "5");
      response.trailers.append("host", "evil");
      response.trailers.append("authorization", "evil");
      response.trailers.append("set-cookie", "evil=1");
      response.trailers.append("x-checksum", "abc");
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path, headers: [["te", "trailers"]] });
      deepStrictEqual(
        answer.trailers.map(([name, value]) => [name.toLowerCase(), value]),
        [["x-checksum", "abc"]],
      );
    },
  },
  {
    row: "P10",
    name: "several 103 with Link arrive before the final head",
    async handler(_request, response, observe) {
      await response.informational(103, [["link", "</a.css>; rel=preload"]]);
      await response.informational(103, [["link", "</b.js>; rel=preload"]]);
      await observe.gate("final");
      response.headers.set("x-final", "1");
      await response.end("body");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      await settled(() => open.informational.length);
      deepStrictEqual(
        open.informational.map((head) => [head.status, ...valuesOf(head.headers, "link")]),
        [
          [103, "</a.css>; rel=preload"],
          [103, "</b.js>; rel=preload"],
        ],
      );
      one.open("final");
      const head = await open.head;
      strictEqual(head.status, 200);
      deepStrictEqual(valuesOf(head.headers, "x-final"), ["1"]);
      strictEqual(Buffer.from(await open.rest()).toString(), "body");
    },
  },
  {
    row: "P11",
    name: "a chunk arrives before the handler ends",
    async handler(_request, response, observe) {
      for (const name of ["one", "two", "three"]) {
        await response.write(name);
        await observe.gate(name);
      }
      await response.end("end");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      for (const name of ["one", "two", "three"]) {
        strictEqual(Buffer.from((await open.read()) ?? []).toString(), name);
        one.open(name);
      }
      strictEqual(Buffer.from(await open.rest()).toString(), "end");
    },
  },
  ...bodySizesBytes.map((sizeBytes): Behaviour => ({
    row: "P11",
    name: `carries a download of ${sizeBytes} bytes whole and in order`,
    ...carriageOf(sizeBytes),
    async handler(_request, response) {
      const oddChunkBytes = 70_001;
      for (const chunk of seededChunks("P11", sizeBytes, oddChunkBytes)) {
        await response.write(chunk);
      }
    },
    async check({ client, exchange }) {
      const open = client.open({ path: exchange().path });
      strictEqual(await hashOf(open), seededSha256("P11", sizeBytes));
    },
  })),
  {
    row: "P11",
    name: "a complete response ends by END_STREAM, whatever it is made of",
    clients: ["http2"],
    async handler(request, response, observe) {
      if (request.url.endsWith("?trailers")) {
        response.trailers.append("x-checksum", "abc");
      }
      if (!request.url.endsWith("?empty")) {
        await response.write("first");
        observe.event("wrote");
      }
      await response.end();
    },
    async check({ raw, exchange, target }) {
      for (const kind of ["?body", "?trailers", "?empty"]) {
        const connection = await raw(target.http2Port);
        connection.send(clientPreface);
        connection.send(headersFrame(1, getOf(exchange().path + kind), true));
        const end = await readStreamEnd((bytes) => connection.readExactly(bytes), 1);
        strictEqual(end, "END_STREAM", kind);
      }
    },
  },
  {
    row: "P12",
    name: "flush before the first write sends status and headers",
    async handler(_request, response, observe) {
      response.headers.set("x-flushed", "1");
      response.writeHead(202);
      await response.flush();
      await observe.gate("body");
      await response.end("body");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      const head = await open.head;
      strictEqual(head.status, 202);
      deepStrictEqual(valuesOf(head.headers, "x-flushed"), ["1"]);
      one.open("body");
      strictEqual(Buffer.from(await open.rest()).toString(), "body");
    },
  },
  {
    row: "P12",
    name: "flush without a status makes it 200",
    async handler(_request, response, observe) {
      response.headers.set("x-flushed", "1");
      await response.flush();
      await observe.gate("body");
      await response.flush();
      await response.end("body");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      const head = await open.head;
      strictEqual(head.status, 200);
      deepStrictEqual(valuesOf(head.headers, "x-flushed"), ["1"]);
      one.open("body");
      strictEqual(Buffer.from(await open.rest()).toString(), "body");
    },
  },
  {
    row: "P12",
    name: "flush reaches a middleware's res.flush()",
    clients: ["http1"],
    notOn: { direct: "no middleware stands between" },
    async handler(_request, response, observe) {
      await response.write("held");
      await response.flush();
      await observe.gate("end");
      await response.end();
    },
    async check({ exchange, target }) {
      const one = exchange();
      using client = new Http1Client(target.mountedPort);
      const open = client.open({ path: `/sub${one.path}` });
      await one.next("res.flush");
      one.open("end");
      strictEqual(Buffer.from(await open.rest()).toString(), "held");
    },
  },
  {
    row: "P13",
    name: "a client that does not read stops the handler's writes, and nobody hoards",
    async handler(_request, response, observe) {
      let wrote = 0;
      for (const chunk of seededChunks("P13", unreadBytes)) {
        await response.write(chunk);
        wrote += chunk.byteLength;
        if (wrote % mebibyte === 0) {
          observe.event("wrote", wrote);
        }
      }
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const before = await buffersOf(target);
      const open = client.open({ path: one.path });
      await open.head;
      const wrote = (await settled(() => one.seen().length)) * mebibyte;
      ok(wrote < inFlightBytesMax, `${wrote} bytes went out although nobody read`);
      const held = (await buffersOf(target)) - before;
      ok(held < standingBytesMax, `${held} bytes are held`);
      strictEqual(await hashOf(open), seededSha256("P13", unreadBytes));
    },
  },
  {
    row: "P14",
    name: "a write after the end rejects",
    async handler(_request, response, observe) {
      await response.end("done");
      observe.event("late write", await outcomeOf(response.write("more")));
      observe.event("late end", await outcomeOf(response.end("more")));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const answer = await call(client, { path: one.path });
      strictEqual(Buffer.from(answer.body).toString(), "done");
      strictEqual(await one.next("late write"), "rejected");
      strictEqual(await one.next("late end"), "rejected");
    },
  },
  {
    row: "P14",
    name: "a write after the client left rejects",
    async handler(request, response, observe) {
      await response.write("first");
      await aborted(request);
      observe.event("late write", await outcomeOf(response.write("more")));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      await open.read();
      open.leave();
      strictEqual(await one.next("late write"), "rejected");
    },
  },
  {
    row: "P15",
    name: "a write of nothing commits the head and sends no empty chunk",
    async handler(_request, response, observe) {
      response.headers.set("x-committed", "1");
      response.writeHead(203);
      await response.write(new Uint8Array());
      await response.flush();
      await response.write("");
      await observe.gate("body");
      await response.write("body");
      await response.write("");
      await response.end("");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      const head = await open.head;
      strictEqual(head.status, 203);
      deepStrictEqual(valuesOf(head.headers, "x-committed"), ["1"]);
      one.open("body");
      strictEqual(Buffer.from(await open.rest()).toString(), "body");
    },
  },
  {
    row: "P15",
    name: "a write of nothing alone commits the head",
    async handler(_request, response, observe) {
      await response.write("");
      observe.event("committed", response.committed);
      await observe.gate("body");
      await response.end("body");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      strictEqual(await one.next("committed"), true);
      one.open("body");
      strictEqual(Buffer.from(await open.rest()).toString(), "body");
    },
  },
];

async function answerTheStatusAsked(
  request: HandlerRequest,
  response: HandlerResponse,
): Promise<void> {
  response.writeHead(Number(/status=(.*)$/.exec(request.url)?.[1]));
  await response.end("body").catch(() => undefined);
}

/** The fields of a GET on HTTP/2. */
export function getOf(path: string): Pairs {
  return [
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "a"],
    [":path", path],
  ];
}

/** "resolved" or "rejected". */
export function outcomeOf(promise: Promise<unknown>): Promise<"resolved" | "rejected"> {
  return promise.then(
    () => "resolved",
    () => "rejected",
  );
}

/** Waits until a request's signal aborts. */
export function aborted(request: HandlerRequest): Promise<void> {
  return new Promise((resolve) => {
    if (request.signal.aborted) {
      resolve();
    } else {
      request.signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}

async function hashOf(open: { read(): Promise<Uint8Array | undefined> }): Promise<string> {
  const hash = createHash("sha256");
  for (let chunk = await open.read(); chunk !== undefined; chunk = await open.read()) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}
