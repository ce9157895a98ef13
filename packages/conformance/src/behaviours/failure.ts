import { doesNotMatch, rejects, strictEqual } from "node:assert/strict";
import { clientPreface, headersFrame, readStreamEnd } from "@servehttp/testkit";
import type { Behaviour } from "../behaviour.js";
import { call, type TestExchange } from "servehttp-conformance/testing";
import { described } from "../described.js";
import { getOf } from "./response.js";
import { seededBytes, seededSha256, sha256 } from "../seeded-bytes.js";

export const failureBehaviours: readonly Behaviour[] = [
  {
    row: "F1",
    name: "a handler that throws before the head makes it 500 without detail",
    handler(_request, response) {
      response.headers.set("x-secret", "detail of the plugin");
      throw new Error("detail of the plugin");
    },
    async check({ client, exchange, target }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 500);
      doesNotMatch(JSON.stringify(answer.headers), /detail/);
      doesNotMatch(Buffer.from(answer.body).toString(), /detail/);
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "F1",
    name: "a handler that rejects while it reads the body makes it 500",
    async handler(request) {
      for await (const chunk of request.body) {
        throw new Error(`detail of ${chunk.byteLength}`);
      }
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path, body: seededBytes("F1", 1_000) });
      strictEqual(answer.status, 500);
      doesNotMatch(Buffer.from(answer.body).toString(), /detail/);
    },
  },
  {
    row: "F1",
    name: "a handler that throws after the head makes a broken transfer",
    async handler(_request, response, observe) {
      await response.write("first");
      await observe.gate("throw");
      throw new Error("detail of the plugin");
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      strictEqual(Buffer.from((await open.read()) ?? []).toString(), "first");
      one.open("throw");
      await rejects(open.rest());
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "F1",
    name: "a handler that throws after the head, one byte short of its Content-Length",
    async handler(_request, response, observe) {
      response.headers.set("content-length", "6");
      await response.write("first");
      await observe.gate("throw");
      throw new Error("detail of the plugin");
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      strictEqual(Buffer.from((await open.read()) ?? []).toString(), "first");
      one.open("throw");
      await rejects(open.rest());
    },
  },
  {
    row: "F1",
    name: "a handler that throws right after its first write never makes a complete response",
    async handler(_request, response) {
      await response.write("first");
      throw new Error("detail of the plugin");
    },
    async check({ client, exchange }) {
      // Where the head had not gone out yet, it may still be a 500.
      strictEqual(await failureOf(client.open({ path: exchange().path })), "failed");
    },
  },
  {
    row: "F1",
    name: "HTTP/1.1: chunks that were written before a handler throws arrive, the last one does not",
    clients: ["http1"],
    async handler(_request, response, observe) {
      await response.write("first");
      await observe.gate("throw");
      throw new Error("detail of the plugin");
    },
    async check({ raw, exchange }) {
      const one = exchange();
      const connection = await raw();
      connection.send(`GET ${one.path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await connection.readThrough("5\r\nfirst\r\n");
      one.open("throw");
      strictEqual(await connection.closed(), "ended");
      strictEqual(await connection.readAll(), "");
    },
  },
  {
    row: "F1",
    name: "HTTP/1.0: a handler that throws after the head resets the connection",
    clients: ["http1"],
    failsOn: { direct: "Node closes the connection, which ends a body on HTTP/1.0" },
    async handler(_request, response, observe) {
      await response.write("first");
      await observe.gate("throw");
      throw new Error("detail of the plugin");
    },
    async check({ raw, exchange }) {
      const one = exchange();
      const connection = await raw();
      connection.send(`GET ${one.path} HTTP/1.0\r\nHost: a\r\n\r\n`);
      await connection.readThrough("first");
      one.open("throw");
      strictEqual(await connection.closed(), "reset");
    },
  },
  {
    row: "F1",
    name: "HTTP/2: a handler that throws after the head resets the stream, never with code 0",
    clients: ["http2"],
    async handler(_request, response, observe) {
      await response.write("first");
      await observe.gate("throw");
      throw new Error("detail of the plugin");
    },
    async check({ raw, exchange, target }) {
      const one = exchange();
      const connection = await raw(target.http2Port);
      connection.send(clientPreface);
      connection.send(headersFrame(1, getOf(one.path), true));
      await connection.readThrough("first");
      one.open("throw");
      const end = await readStreamEnd((bytes) => connection.readExactly(bytes), 1);
      strictEqual(end, "RST_STREAM 2");
    },
  },
  {
    row: "F1",
    name: "neighbours of a handler that throws are untouched",
    async handler(request, response, observe) {
      if (request.url.endsWith("?throw")) {
        await response.write("first");
        throw new Error("detail of the plugin");
      }
      await response.write(seededBytes("F1", 50_000));
      observe.event("half");
      await observe.gate("go on");
      await response.end(seededBytes("F1 rest", 50_000));
    },
    async check({ client, exchange }) {
      const neighbour = exchange();
      const open = client.open({ path: neighbour.path });
      await neighbour.next("half");
      for (let round = 0; round < 20; round += 1) {
        const throwing = client.open({ path: `${exchange().path}?throw` });
        strictEqual(await failureOf(throwing), "failed");
      }
      neighbour.open("go on");
      const whole = Buffer.concat([seededBytes("F1", 50_000), seededBytes("F1 rest", 50_000)]);
      strictEqual(sha256(await open.rest()), sha256(whole));
    },
  },
  {
    row: "F1",
    name: "a handler that throws something that is no error makes it 500",
    handler() {
      // eslint-disable-next-line no-throw-literal -- that is the case
      throw undefined;
    },
    async check({ client, exchange }) {
      strictEqual((await call(client, { path: exchange().path })).status, 500);
    },
  },
  {
    row: "F1",
    name: "a handler that throws after its end has answered",
    async handler(_request, response) {
      await response.end(seededBytes("F1", 1_000));
      throw new Error("too late to matter");
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      strictEqual(answer.status, 200);
      strictEqual(sha256(answer.body), seededSha256("F1", 1_000));
    },
  },
];

/** "failed" for a broken transfer or a 500. */
async function failureOf(open: TestExchange): Promise<string> {
  try {
    const { status } = await open.head;
    await open.rest();
    return status === 500 ? "failed" : `a complete ${status}`;
  } catch {
    return "failed";
  }
}
