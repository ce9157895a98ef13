import { ok, rejects, strictEqual } from "node:assert/strict";
import type { Behaviour } from "../behaviour.js";
import { call, type HttpClient } from "servehttp-conformance/testing";
import { described } from "../described.js";
import type { HandlerRequest, HandlerResponse, Observe } from "../handler.js";
import { seededBytes, sha256 } from "../seeded-bytes.js";
import { settled } from "../settled.js";
import { aborted, outcomeOf } from "./response.js";

export const duplexBehaviours: readonly Behaviour[] = [
  {
    row: "D1",
    name: "ping-pong: each chunk is echoed before the next is sent, 100 times",
    async handler(request, response) {
      for await (const chunk of request.body) {
        await response.write(chunk);
      }
    },
    async check({ client, exchange }) {
      const open = client.open({ path: exchange().path, body: "stream" });
      for (let round = 0; round < 100; round += 1) {
        const sent = seededBytes(`D1 ${round}`, 1 + ((round * 997) % 20_000));
        await open.write(sent);
        const echoed: Uint8Array[] = [];
        for (let left = sent.byteLength; left > 0;) {
          const chunk = await open.read();
          ok(chunk !== undefined, "the echo ended early");
          echoed.push(chunk);
          left -= chunk.byteLength;
        }
        strictEqual(sha256(Buffer.concat(echoed)), sha256(sent));
      }
      open.end();
      strictEqual((await open.rest()).byteLength, 0);
    },
  },
  {
    row: "D2",
    name: "an early final answer reaches the client while the upload goes on",
    async handler(_request, response) {
      response.writeHead(413);
      await response.end("too large");
    },
    async check({ client, exchange, target }) {
      const open = client.open({ path: exchange().path, body: "stream" });
      await open.write(seededBytes("D2", 10_000));
      strictEqual((await open.head).status, 413);
      strictEqual(Buffer.from(await open.rest()).toString(), "too large");
      open.leave();
      strictEqual((await described(client, { path: `${target.base}/next` })).url, "/next");
    },
  },
  {
    row: "D2",
    name: "a client that never stops uploading gets its early answer too",
    async handler(_request, response) {
      response.writeHead(413);
      await response.end("too large");
    },
    async check({ client, exchange }) {
      const open = client.open({ path: exchange().path, body: "stream" });
      const uploading = uploadForEver(open);
      strictEqual((await open.head).status, 413);
      strictEqual(Buffer.from(await open.rest()).toString(), "too large");
      open.leave();
      await uploading;
    },
  },
  {
    row: "D3",
    name: "the client leaves before the head: the signal aborts with client-disconnected",
    async handler(request, _response, observe) {
      observe.event("running");
      await aborted(request);
      observe.event("reason", codeOf(request.signal.reason));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      await one.next("running");
      open.leave();
      strictEqual(await one.next("reason"), "client-disconnected");
      await rejects(open.head);
    },
  },
  {
    row: "D3",
    name: "the client of a GET leaves while it streams: the signal aborts, a write rejects",
    async handler(request, response, observe) {
      await response.write("first");
      await aborted(request);
      observe.event("reason", codeOf(request.signal.reason));
      observe.event("write", await outcomeOf(response.write("second")));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      await open.read();
      open.leave();
      strictEqual(await one.next("reason"), "client-disconnected");
      strictEqual(await one.next("write"), "rejected");
    },
  },
  {
    row: "D3",
    name: "the client leaves in the middle of an upload: the signal aborts, the iterator throws",
    async handler(request, _response, observe) {
      const reason = aborted(request).then(() => {
        observe.event("reason", codeOf(request.signal.reason));
      });
      observe.event("body", await readToTheEnd(request, observe));
      await reason;
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path, body: "stream" });
      await open.write(seededBytes("D3", 100_000));
      await one.next("read");
      open.leave();
      strictEqual(await one.next("reason"), "client-disconnected");
      strictEqual(await one.next("body"), "threw");
    },
  },
  {
    row: "D3",
    name: "the client leaves in the middle of a download: a write that waits for room rejects",
    handler: writeUntilItRejects,
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: one.path });
      await open.read();
      await settled(() => one.seen().length);
      open.leave();
      strictEqual(await one.next("reason"), "client-disconnected");
      strictEqual(await one.next("write"), "rejected");
    },
  },
  {
    row: "D3",
    name: "a signal of an exchange that completes does not abort while the handler runs",
    async handler(request, response, observe) {
      await response.write("body");
      observe.event("aborted", request.signal.aborted);
      await response.end();
    },
    async check({ client, exchange }) {
      const one = exchange();
      await call(client, { path: one.path });
      strictEqual(await one.next("aborted"), false);
    },
  },
  {
    row: "D4",
    name: "a request whose client left before the host sent it never reaches the plugin",
    notOn: { direct: "there is nothing between client and handler" },
    async handler(_request, response) {
      await response.end("reached");
    },
    async check({ client, exchange, target }) {
      const one = exchange();
      const open = client.open({
        path: one.path,
        headers: [["x-hold-identity", one.key]],
      });
      await one.next("identity asked");
      open.leave();
      await one.next("client gone");
      one.open("identity");
      await one.next("identity given");
      await described(client, { path: `${target.base}/next` });
      ok(!one.seen().includes("returned"), "the handler ran");
    },
  },
  {
    row: "D5",
    name: "no head within its time: 504, and the signal aborts with deadline",
    waits: true,
    notOn: { direct: "deadlines are the host's" },
    async handler(request, _response, observe) {
      await aborted(request);
      observe.event("reason", codeOf(request.signal.reason));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const answer = await call(client, { path: impatient(one.path) });
      strictEqual(answer.status, 504);
      strictEqual(await one.next("reason"), "deadline");
    },
  },
  {
    row: "D5",
    name: "silence after the head: the transfer breaks, and the signal aborts with deadline",
    waits: true,
    notOn: { direct: "deadlines are the host's" },
    async handler(request, response, observe) {
      await response.write("first");
      await aborted(request);
      observe.event("reason", codeOf(request.signal.reason));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: impatient(one.path) });
      strictEqual((await open.head).status, 200);
      await rejects(open.rest());
      strictEqual(await one.next("reason"), "deadline");
    },
  },
  {
    row: "D5",
    name: "traffic outlives the head and idle times, and the total time ends it",
    waits: true,
    notOn: { direct: "deadlines are the host's" },
    async handler(request, response, observe) {
      const start = performance.now();
      const ticker = setInterval(() => {
        response.write("tick").catch(() => undefined);
      }, 50);
      await aborted(request);
      clearInterval(ticker);
      observe.event("lasted", performance.now() - start);
      observe.event("reason", codeOf(request.signal.reason));
    },
    async check({ client, exchange }) {
      const one = exchange();
      const open = client.open({ path: impatient(one.path) });
      await rejects(open.rest());
      strictEqual(await one.next("reason"), "deadline");
      // Well over the head and idle times of 500 ms; the total time is 1,500 ms.
      const lastedMs = Number(await one.next("lasted"));
      ok(lastedMs > 1_000, `${lastedMs} ms`);
    },
  },
  {
    row: "D5",
    name: "the plugin sees the absolute deadline",
    notOn: { direct: "deadlines are the host's" },
    async handler(request, response, observe) {
      const at = request.deadline?.getTime();
      observe.event("deadline", at === undefined ? null : at - Date.now());
      await response.end();
    },
    async check({ client, exchange }) {
      const one = exchange();
      await call(client, { path: impatient(one.path) });
      const leftMs = Number(await one.next("deadline"));
      ok(leftMs > 0 && leftMs <= 1_500, `${leftMs} ms`);
    },
  },
];

/** The same handler behind the plugin id that has short times. */
export function impatient(path: string): string {
  return path.replace("/plugins/conformance/", "/plugins/impatient/");
}

/** The code of an abort's reason. */
export function codeOf(reason: unknown): unknown {
  return reason instanceof Error && "code" in reason ? reason.code : String(reason);
}

async function uploadForEver(open: ReturnType<HttpClient["open"]>): Promise<void> {
  const chunk = seededBytes("D2", 65_536);
  const gone = async () => {
    for (;;) {
      await open.write(chunk);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  await rejects(gone());
}

async function readToTheEnd(request: HandlerRequest, observe: Observe): Promise<"threw" | "ended"> {
  try {
    for await (const chunk of request.body) {
      observe.event("read", chunk.byteLength);
    }
  } catch {
    return "threw";
  }
  return "ended";
}

async function writeUntilItRejects(
  request: HandlerRequest,
  response: HandlerResponse,
  observe: Observe,
): Promise<void> {
  const chunk = seededBytes("D3", 65_536);
  for (;;) {
    observe.event("writing");
    const outcome = await outcomeOf(response.write(chunk));
    if (outcome === "rejected") {
      await aborted(request);
      observe.event("reason", codeOf(request.signal.reason));
      observe.event("write", outcome);
      return;
    }
  }
}
