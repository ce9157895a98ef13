import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { clientPreface, dataFrame, headersFrame, resetFrame } from "@servehttp/testkit";
import type { Behaviour, SceneExchange } from "../behaviour.js";
import {
  call,
  type RawConnection,
  type TestExchange,
  valuesOf,
} from "servehttp-conformance/testing";
import { described, descriptionIn } from "../described.js";
import type { HandlerRequest, HandlerResponse, Observe } from "../handler.js";
import { seededBytes, seededChunks, seededSha256, sha256 } from "../seeded-bytes.js";
import { settled } from "../settled.js";

const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;

/** Sizes of bodies: around the size of a chunk, and more than all buffers together hold. */
export const bodySizesBytes: readonly number[] = [
  0,
  1,
  65_535,
  65_536,
  65_537,
  mebibyte,
  8 * mebibyte,
  64 * mebibyte,
  1_024 * mebibyte,
];

/** In which runs a body of this size is carried, and by whom: the largest takes ten seconds each time. */
export function carriageOf(
  sizeBytes: number,
): Pick<Behaviour, "fullRunOnly" | "clients" | "notOn"> {
  const largest = sizeBytes === bodySizesBytes.at(-1);
  return {
    fullRunOnly: sizeBytes >= 64 * mebibyte,
    ...(largest && { clients: ["http1"], notOn: { direct: "64 MiB show the same" } }),
  };
}

/** A body that nobody reads at first. It is larger than what kernels and windows may hold of it. */
export const unreadBytes = 32 * mebibyte;

/** How much of a transfer that nobody reads may be in kernels and windows. */
export const inFlightBytesMax = 24 * mebibyte;

/** By how much the buffers of a process may grow while a transfer stands still. */
export const standingBytesMax = 8 * mebibyte;

export const requestBehaviours: readonly Behaviour[] = [
  {
    row: "Q1",
    name: "method, url, host, remote address, protocol and headers arrive",
    async check({ client, target }) {
      const seen = await described(client, {
        method: "PATCH",
        path: `${target.base}/some/where?a=1&b=%20`,
        headers: [
          ["X-One", "1"],
          ["Accept", "text/plain;q=0.5, */*"],
        ],
        body: Buffer.from("four"),
      });
      strictEqual(seen.method, "PATCH");
      strictEqual(seen.url, "/some/where?a=1&b=%20");
      strictEqual(seen.requestUri, `${target.base}/some/where?a=1&b=%20`);
      const port = client.protocol === "HTTP/1.1" ? target.http1Port : target.http2Port;
      strictEqual(seen.host, `127.0.0.1:${port}`);
      match(seen.remoteAddress, /^127\.0\.0\.1:\d+$/);
      strictEqual(seen.protocol, client.protocol);
      ok(seen.id.length > 0);
      deepStrictEqual(valuesOf(seen.headers, "x-one"), ["1"]);
      deepStrictEqual(valuesOf(seen.headers, "accept"), ["text/plain;q=0.5, */*"]);
      strictEqual(seen.bodySha256, sha256("four"));
    },
  },
  {
    row: "Q1",
    name: "the content length is 0, n or unknown",
    handler: lengthThenRead,
    async check({ client, exchange }) {
      const none = exchange();
      await call(client, { path: none.path });
      strictEqual(await none.next("length"), 0);
      const declared = exchange();
      await call(client, { path: declared.path, body: Buffer.alloc(7) });
      strictEqual(await declared.next("length"), 7);
      const unknown = exchange();
      const open = client.open({ path: unknown.path, body: "stream" });
      await open.write(Buffer.alloc(7));
      open.end();
      await open.head;
      strictEqual(await unknown.next("length"), null);
    },
  },
  {
    row: "Q1",
    name: "every exchange has an id of its own",
    notOn: { direct: "ids are the host's" },
    async check({ client, target }) {
      const one = await described(client, { path: `${target.base}/a` });
      const other = await described(client, { path: `${target.base}/a` });
      ok(one.id !== other.id);
    },
  },
  {
    row: "Q2",
    name: "without a body the iterator ends at once",
    async handler(request, response, observe) {
      observe.event("body", await readThrough(request));
      await response.end("done");
    },
    async check({ client, exchange }) {
      for (const method of ["GET", "DELETE", "OPTIONS"]) {
        const one = exchange();
        const answer = await call(client, { method, path: one.path });
        strictEqual(answer.status, 200);
        deepStrictEqual(await one.next("body"), { bytes: 0, sha256: sha256(""), largest: 0 });
      }
    },
  },
  ...bodySizesBytes.map((sizeBytes): Behaviour => ({
    row: "Q3",
    name: `carries an upload of ${sizeBytes} bytes whole and in order`,
    ...carriageOf(sizeBytes),
    async handler(request, response) {
      await response.end(JSON.stringify(await readThrough(request)));
    },
    async check({ client, exchange, target }) {
      const open = client.open({ path: exchange().path, body: "stream" });
      await upload(open, "Q3", sizeBytes);
      const read = JSON.parse(Buffer.from(await open.rest()).toString()) as ReadBody;
      strictEqual(read.bytes, sizeBytes);
      strictEqual(read.sha256, seededSha256("Q3", sizeBytes));
      ok(!target.bridged || read.largest <= 65_536, `a chunk of ${read.largest} bytes`);
    },
  })),
  {
    row: "Q4",
    name: "the handler runs and answers before the first byte of the body",
    async handler(request, response, observe) {
      await response.write("early");
      observe.event("body", await readThrough(request));
      await response.end("late");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path, body: "stream" });
      strictEqual((await open.head).status, 200);
      strictEqual(Buffer.from((await open.read()) ?? []).toString(), "early");
      await upload(open, "Q4", mebibyte);
      strictEqual(Buffer.from(await open.rest()).toString(), "late");
      strictEqual(((await one.next("body")) as ReadBody).sha256, seededSha256("Q4", mebibyte));
    },
  },
  {
    row: "Q5",
    name: "a handler that does not read stops the client, and nobody hoards",
    async handler(request, response, observe) {
      observe.event("running");
      await observe.gate("read");
      await response.end(JSON.stringify(await readThrough(request)));
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const before = await buffersOf(target);
      const open = client.open({ path: one.path, body: "stream" });
      const uploaded = upload(open, "Q5", unreadBytes);
      await one.next("running");
      const sent = await settled(() => open.sentBytes());
      ok(sent < inFlightBytesMax, `${sent} bytes went out although nobody read`);
      const held = (await buffersOf(target)) - before;
      ok(held < standingBytesMax, `${held} bytes are held`);
      one.open("read");
      await uploaded;
      const read = JSON.parse(Buffer.from(await open.rest()).toString()) as ReadBody;
      strictEqual(read.sha256, seededSha256("Q5", unreadBytes));
    },
  },
  {
    row: "Q6",
    name: "100 (Continue) goes out when the handler first reads",
    failsOn: { direct: "Node answers 100 before it calls the handler" },
    async handler(request, response) {
      await response.informational(103, [["link", "</a.css>; rel=preload"]]);
      await response.end(JSON.stringify(await readThrough(request)));
    },
    async check({ client, exchange }) {
      const open = client.open({
        path: exchange().path,
        headers: [["expect", "100-continue"]],
        body: "stream",
      });
      await open.continued;
      await upload(open, "Q6", 100);
      const read = JSON.parse(Buffer.from(await open.rest()).toString()) as ReadBody;
      strictEqual(read.sha256, seededSha256("Q6", 100));
      deepStrictEqual(
        open.informational.map((head) => head.status),
        [103, 100],
      );
    },
  },
  {
    row: "Q6",
    name: "a refusal without reading sends no 100",
    failsOn: { direct: "Node answers 100 before it calls the handler" },
    async handler(_request, response) {
      response.writeHead(403);
      await response.end("no");
    },
    async check({ client, exchange }) {
      const open = client.open({
        path: exchange().path,
        headers: [["expect", "100-continue"]],
        body: "stream",
      });
      strictEqual((await open.head).status, 403);
      strictEqual(Buffer.from(await open.rest()).toString(), "no");
      deepStrictEqual(open.informational, []);
      open.leave();
    },
  },
  cutOff("chunked, reset", async ({ raw, path, started }) => {
    raw.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
    );
    await started();
    raw.reset();
  }),
  cutOff("chunked, closed between two chunks", async ({ raw, path, started }) => {
    raw.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
    );
    await started();
    raw.finish();
  }),
  cutOff("chunked, closed within a chunk", async ({ raw, path, started }) => {
    raw.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nfirst`);
    await started();
    raw.finish();
  }),
  cutOff("chunked, junk for a size", async ({ raw, path, started }) => {
    raw.send(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
    );
    await started();
    raw.send("zz\r\n");
  }),
  cutOff("content length, closed short of it", async ({ raw, path, started }) => {
    raw.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst`);
    await started();
    raw.finish();
  }),
  cutOff("content length, reset short of it", async ({ raw, path, started }) => {
    raw.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst`);
    await started();
    raw.reset();
  }),
  ...[0, 2, 8].map((code): Behaviour => ({
    row: "Q7",
    name: `an upload cut off makes the body iterator throw (stream reset with code ${code})`,
    clients: ["http2"],
    handler: readUntilItThrows,
    async check({ raw, exchange, target }) {
      const one = exchange();
      const connection = await raw(target.http2Port);
      sendUpload(connection, one.path);
      await one.next("first chunk");
      connection.send(resetFrame(1, code));
      strictEqual(await one.next("body"), "threw");
    },
  })),
  {
    row: "Q7",
    name: "an upload cut off makes the body iterator throw (connection closed)",
    clients: ["http2"],
    handler: readUntilItThrows,
    async check({ raw, exchange, target }) {
      const one = exchange();
      const connection = await raw(target.http2Port);
      sendUpload(connection, one.path);
      await one.next("first chunk");
      connection.finish();
      strictEqual(await one.next("body"), "threw");
    },
  },
  {
    row: "Q8",
    name: "request trailers arrive after the body",
    async check({ client, target }) {
      const open = client.open({
        path: `${target.base}/trailers`,
        body: "stream",
        trailers: [
          ["x-checksum", "abc"],
          ["x-note", "two words"],
        ],
      });
      await upload(open, "Q8", 100_000);
      const head = await open.head;
      const seen = descriptionIn({ ...head, body: await open.rest() });
      strictEqual(seen.bodySha256, seededSha256("Q8", 100_000));
      deepStrictEqual(valuesOf(seen.trailers, "x-checksum"), ["abc"]);
      deepStrictEqual(valuesOf(seen.trailers, "x-note"), ["two words"]);
    },
  },
  {
    row: "Q9",
    name: "a small body that the handler ignores is discarded, and the next request is right",
    clients: ["http1"],
    async handler(_request, response) {
      await response.end("ignored you");
    },
    async check({ raw, exchange, target }) {
      const connection = await raw();
      for (let round = 0; round < 3; round += 1) {
        connection.send(
          `POST ${exchange().path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`,
        );
        connection.send(seededBytes("Q9", 100_000));
        strictEqual((await connection.readResponse()).body.toString(), "ignored you");
      }
      connection.send(`GET ${target.base}/next HTTP/1.1\r\nHost: a\r\n\r\n`);
      strictEqual(descriptionIn(await connection.readResponse()).url, "/next");
    },
  },
  {
    row: "Q9",
    name: "of a large body that the handler ignores 256 KiB are discarded, then the connection closes",
    clients: ["http1"],
    notOn: { direct: "Node discards without a bound and keeps the connection" },
    async handler(_request, response) {
      await response.end("ignored you");
    },
    async check({ raw, exchange }) {
      const connection = await raw();
      const sizeBytes = 64 * mebibyte;
      connection.send(
        `POST ${exchange().path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${sizeBytes}\r\n\r\n`,
      );
      connection.send(seededBytes("Q9", mebibyte));
      strictEqual((await connection.readResponse()).body.toString(), "ignored you");
      await connection.closed();
    },
  },
  {
    row: "Q9",
    name: "a large body that the handler ignores hangs nobody on HTTP/2",
    clients: ["http2"],
    async handler(_request, response) {
      await response.end("ignored you");
    },
    async check({ client, exchange, target }) {
      const open = client.open({ path: exchange().path, body: "stream" });
      strictEqual((await open.head).status, 200);
      strictEqual(Buffer.from(await open.rest()).toString(), "ignored you");
      open.leave();
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "Q10",
    name: "GET, HEAD and DELETE carry a body",
    async handler(request, response, observe) {
      observe.event("body", await readThrough(request));
      await response.end("done");
    },
    async check({ client, exchange }) {
      for (const method of ["GET", "HEAD", "DELETE"]) {
        const one = exchange();
        const body = seededBytes(`Q10 ${method}`, 70_000);
        const answer = await call(client, { method, path: one.path, body });
        strictEqual(answer.status, 200);
        strictEqual(Buffer.from(answer.body).toString(), method === "HEAD" ? "" : "done");
        strictEqual(((await one.next("body")) as ReadBody).sha256, sha256(body));
      }
    },
  },
];

/** What a handler read of a body. */
export interface ReadBody {
  readonly bytes: number;
  readonly sha256: string;
  /** Bytes of the largest chunk. */
  readonly largest: number;
}

/** Reads a body to its end. */
export async function readThrough(request: HandlerRequest): Promise<ReadBody> {
  const hash = createHash("sha256");
  let bytes = 0;
  let largest = 0;
  for await (const chunk of request.body) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    largest = Math.max(largest, chunk.byteLength);
  }
  return { bytes, sha256: hash.digest("hex"), largest };
}

/** Sends a seeded body in chunks whose size no buffer has, and ends it. */
export async function upload(open: TestExchange, seed: string, sizeBytes: number): Promise<void> {
  const oddChunkBytes = 70_001;
  for (const chunk of seededChunks(seed, sizeBytes, oddChunkBytes)) {
    await open.write(chunk);
  }
  open.end();
}

/** Bytes in buffers of both processes of a target. */
export async function buffersOf(target: {
  front(): Promise<{ report(): Promise<{ buffersBytes: number }> }>;
  plugin(): Promise<{ report(): Promise<{ buffersBytes: number }> }>;
}): Promise<number> {
  const reports = await Promise.all([
    target.front().then((one) => one.report()),
    target.plugin().then((one) => one.report()),
  ]);
  return reports.reduce((sum, report) => sum + report.buffersBytes, 0);
}

async function lengthThenRead(
  request: HandlerRequest,
  response: HandlerResponse,
  observe: Observe,
): Promise<void> {
  observe.event("length", request.contentLength ?? null);
  await readThrough(request);
  await response.end();
}

async function readUntilItThrows(
  request: HandlerRequest,
  _response: HandlerResponse,
  observe: Observe,
): Promise<void> {
  try {
    for await (const chunk of request.body) {
      observe.event("first chunk", chunk.byteLength);
    }
  } catch {
    observe.event("body", "threw");
    return;
  }
  observe.event("body", "ended");
}

/** Begins an upload on a new connection: the preface, the head and the first chunk. */
function sendUpload(connection: RawConnection, path: string): void {
  connection.send(clientPreface);
  connection.send(
    headersFrame(1, [
      [":method", "POST"],
      [":scheme", "http"],
      [":authority", "a"],
      [":path", path],
    ]),
  );
  connection.send(dataFrame(1, Buffer.from("first")));
}

function cutOff(
  how: string,
  act: (given: {
    raw: RawConnection;
    path: string;
    started: () => Promise<unknown>;
  }) => Promise<void>,
): Behaviour {
  return {
    row: "Q7",
    name: `an upload cut off makes the body iterator throw (${how})`,
    clients: ["http1"],
    handler: readUntilItThrows,
    async check({ raw, exchange }) {
      const one: SceneExchange = exchange();
      await act({ raw: await raw(), path: one.path, started: () => one.next("first chunk") });
      strictEqual(await one.next("body"), "threw");
    },
  };
}
