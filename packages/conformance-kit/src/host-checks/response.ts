import { createHash } from "node:crypto";
import { valuesOf } from "../client/http-client.js";
import { expectEqual, expectThat } from "../checks/expect.js";
import type { HostScene } from "../host/host-scene.js";
import { answer, field, head, sendBody } from "./answers.js";
import type { HostCheck } from "./host-check.js";

const mebibyte = 1_048_576;

/** How a plugin's response reaches the client. */
export const responseChecks: readonly HostCheck[] = [
  {
    id: "P3.status",
    text: "Every final status from 200 to 599 passes, and over HTTP/1.1 up to 999.",
    async run(scene) {
      const high = scene.facts.isHttp2 ? [] : [600, 999];
      for (const status of [200, 206, 299, 308, 404, 451, 500, 599, ...high]) {
        const { asked, served } = await scene.exchange();
        await answer(served, status, "body");
        expectEqual((await asked.whole()).status, status, "the status");
      }
    },
  },
  {
    id: "P3.reason",
    text: "The plugin's reason phrase reaches a client of HTTP/1.1.",
    over: "http1",
    async run(scene) {
      const { connection, served } = await rawGet(scene);
      await served.send({ init: { ...head(404), reason: Buffer.from("No Such Note") }, end: {} });
      const { rawHead } = await scene.within("the response", connection.readResponse());
      expectEqual(rawHead.split("\r\n", 1)[0], "HTTP/1.1 404 No Such Note", "the status line");
    },
  },
  {
    id: "P4.values",
    text: "Each value of a header field is on a line of its own, in order, and its bytes survive.",
    async run(scene) {
      const values = ["a=1; Path=/", "b=2", "caf\u00e9 \u00ff"];
      const { asked, served } = await scene.exchange();
      await served.send({
        init: { status: 200, headers: [field("Set-Cookie", ...values)] },
        end: {},
      });
      const { headers } = await asked.whole();
      expectEqual(valuesOf(headers, "set-cookie"), values, "the values of Set-Cookie");
    },
  },
  {
    id: "P5.head",
    text: "The answer to a HEAD keeps its Content-Length and has no body.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ method: "HEAD" });
      await served.send({ init: head(200, [["Content-Length", "1234"]]), end: {} });
      const { headers, body } = await asked.whole();
      expectEqual(
        [valuesOf(headers, "content-length"), body.length],
        [["1234"], 0],
        "length and body",
      );
      await scene.servesOn();
    },
  },
  {
    id: "P5.no-content",
    text: "204 and 304 have no body and no framing for one.",
    async run(scene) {
      for (const status of [204, 304]) {
        const { asked, served } = await scene.exchange();
        await served.send({ init: head(status), end: {} });
        const { headers, body } = await asked.whole();
        expectEqual(
          [body.length, valuesOf(headers, "transfer-encoding")],
          [0, []],
          `of a ${status}`,
        );
        await scene.servesOn();
      }
    },
  },
  {
    id: "P6.too-long",
    text: "Of a body that is longer than its Content-Length no more reaches the client.",
    over: "http1",
    async run(scene) {
      const { connection, served } = await rawGet(scene);
      await served.send({ init: head(200, [["Content-Length", "5"]]), flush: true });
      await served.send({ chunk: Buffer.from("0123456789"), end: {} });
      const all = await scene.within("the end of the connection", connection.readAll());
      const [, body = ""] = all.split("\r\n\r\n");
      expectThat(
        "01234".startsWith(body),
        `these bytes came behind the head: ${JSON.stringify(body)}`,
      );
    },
  },
  {
    id: "P6.too-short",
    text: "A body that is shorter than its Content-Length is a broken transfer.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({
        init: head(200, [["Content-Length", "10"]]),
        chunk: Buffer.from("12345"),
        flush: true,
      });
      expectEqual((await asked.readBytes(5)).toString(), "12345", "the first bytes");
      await served.send({ end: {} });
      expectEqual(await asked.outcome(), "broken behind status 200", "the outcome");
    },
  },
  {
    id: "P7.framing",
    text: "The framing is the host's business: hop-by-hop fields of the plugin do not pass.",
    over: "http1",
    async run(scene) {
      const { connection, served } = await rawGet(scene);
      const fields = [
        ["Transfer-Encoding", "chunked"],
        ["Content-Length", "2"],
        ["Connection", "x-hop"],
        ["X-Hop", "1"],
        ["Keep-Alive", "timeout=99"],
        ["X-Fine", "1"],
      ] as const;
      await served.send({ init: head(200, fields), chunk: Buffer.from("ok"), end: {} });
      const response = await scene.within("the response", connection.readResponse());
      const framing = [
        ...valuesOf(response.headers, "transfer-encoding"),
        ...valuesOf(response.headers, "content-length"),
      ];
      expectEqual(
        [framing.length, Buffer.from(response.body).toString()],
        [1, "ok"],
        "framing fields, and the body",
      );
      expectEqual(
        ["x-fine", "x-hop"].map((name) => valuesOf(response.headers, name)),
        [["1"], []],
        "X-Fine and X-Hop",
      );
      expectThat(!response.rawHead.includes("timeout=99"), "the plugin's Keep-Alive passed");
    },
  },
  {
    id: "P9.trailers",
    text: "Trailers reach the client, but for those that frame, route or authenticate.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ headers: [["TE", "trailers"]] });
      await served.send({
        init: head(200, [["Trailer", "X-Sum"]]),
        chunk: Buffer.from("body"),
        flush: true,
      });
      const trailers = [
        field("X-Sum", "abc"),
        field("Content-Length", "3"),
        field("Authorization", "x"),
      ];
      await served.send({ end: { trailers } });
      const response = await asked.whole();
      expectEqual(
        ["x-sum", "content-length", "authorization"].map((name) =>
          valuesOf(response.trailers, name),
        ),
        [["abc"], [], []],
        "the trailers X-Sum, Content-Length and Authorization",
      );
    },
  },
  {
    id: "P10.hints",
    text: "Informational responses reach the client before the final head, at once.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      const hint = { status: 103, headers: [field("Link", "</a.css>; rel=preload")] };
      await served.send({ informational: [hint] });
      await served.send({ informational: [hint] });
      await untilHints(scene, asked.exchange.informational);
      expectEqual(asked.arrivedHead, undefined, "a final head before the plugin has sent one");
      await answer(served, 201);
      expectEqual((await asked.whole()).status, 201, "the status");
      expectEqual(
        asked.exchange.informational.map(({ status, headers }) => [
          status,
          valuesOf(headers, "link"),
        ]),
        [1, 2].map(() => [103, ["</a.css>; rel=preload"]]),
        "the hints",
      );
    },
  },
  {
    id: "P11.sizes",
    text: "A body of any size is whole, in order.",
    async run(scene) {
      for (const size of [0, 1, 65_535, 65_537, mebibyte]) {
        const body = scene.random(size, `${size}`);
        const { asked, served } = await scene.exchange();
        await served.send({ init: head() });
        void sendBody(served, body, 50_000).then(() => served.send({ end: {} }));
        const got = (await asked.whole()).body;
        expectEqual(
          [got.length, sha256(got)],
          [size, sha256(body)],
          "bytes and SHA-256 of the body",
        );
      }
    },
  },
  {
    id: "P11.as-written",
    text: "What the plugin has sent reaches the client while it goes on.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(), chunk: Buffer.from("first"), flush: true });
      expectEqual((await asked.readBytes(5)).toString(), "first", "the first bytes");
      await served.send({ chunk: Buffer.from(" second"), end: {} });
      expectEqual(Buffer.from((await asked.whole()).body).toString(), " second", "the rest");
    },
  },
  {
    id: "P12.flush",
    text: "A flush sends the head at once, before any of the body.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(202, [["X-A", "1"]]), flush: true });
      const { status, headers } = await asked.head();
      expectEqual([status, valuesOf(headers, "x-a")], [202, ["1"]], "status and X-A");
      await served.send({ end: {} });
      await asked.whole();
    },
  },
  {
    id: "P13.backpressure",
    text: "A client that does not read stops the plugin's writes, and what waits is bounded.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(), flush: true });
      await asked.head();
      const total = 16 * mebibyte;
      const chunk = scene.random(65_536);
      const hash = createHash("sha256");
      let written = 0;
      const writing = (async () => {
        for (; written < total; written += chunk.length) {
          hash.update(chunk);
          await served.send({ chunk });
        }
        await served.send({ end: {} });
      })();
      const stalled = await scene.settled(() => written);
      expectThat(
        stalled <= 12 * mebibyte,
        `the plugin could write ${stalled} bytes, and the client has read none: nothing holds it back`,
      );
      const { body } = await asked.whole();
      await writing;
      expectEqual([body.length, sha256(body)], [total, hash.digest("hex")], "the body");
    },
  },
  {
    id: "W2.merged",
    text: "One message may carry hints, head, a chunk and the end.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      const informational = [{ status: 103, headers: [field("Link", "</a>")] }];
      await served.send({
        informational,
        init: head(203),
        chunk: Buffer.from("all"),
        flush: true,
        end: {},
      });
      const { status, body } = await asked.whole();
      expectEqual([status, Buffer.from(body).toString()], [203, "all"], "status and body");
    },
  },
  {
    id: "W2.byte-by-byte",
    text: "A plugin's message may arrive in frames of a single byte.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      served.sendSliced({ init: head(203, [["X-A", "1"]]), chunk: Buffer.from("sliced"), end: {} });
      const { status, body } = await asked.whole();
      expectEqual([status, Buffer.from(body).toString()], [203, "sliced"], "status and body");
    },
  },
];

async function untilHints(scene: HostScene, hints: readonly unknown[]): Promise<void> {
  await scene.eventually("two informational responses at the client", () => hints.length === 2);
}

/** A GET on a connection of the check's own. */
async function rawGet(scene: HostScene) {
  const connection = await scene.raw();
  const { path, arrival } = scene.expect();
  connection.send(`GET ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return { connection, served: await scene.arrived(arrival) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
