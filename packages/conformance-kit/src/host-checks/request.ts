import { createHash } from "node:crypto";
import { expectEqual, expectThat } from "../checks/expect.js";
import type { BothEnds, HostScene, SceneRequest } from "../host/host-scene.js";
import type { ServedExchange } from "../served/served-exchange.js";
import { answer, head } from "./answers.js";
import type { HostCheck } from "./host-check.js";

const mebibyte = 1_048_576;

/** How a client's request reaches the plugin. */
export const requestChecks: readonly HostCheck[] = [
  {
    id: "R1.methods",
    text: "Every method reaches the plugin, in its letter case.",
    async run(scene) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
        const { served } = await answered(scene, { method });
        expectEqual(served.init.method, method, "the method");
      }
    },
  },
  {
    id: "R1.unknown",
    text: "An id that no plugin has is 404, and no plugin is asked.",
    async run(scene) {
      const { base } = scene.host;
      if (base === "") {
        return;
      }
      const { path } = scene.expect();
      const stranger = scene.ask(`-no-such${path}`);
      expectEqual((await stranger.whole()).status, 404, "the status");
    },
  },
  {
    id: "R2.escapes",
    text: "The path behind the base path reaches the plugin byte for byte: escapes stay.",
    async run(scene) {
      for (const path of ["/a%2Fb", "/%C3%A9//x", "/%7e~%41", "/a+b"]) {
        await expectUrl(scene, path);
      }
    },
  },
  {
    id: "R3.bare",
    text: "The bare base path is served, with the url /.",
    async run(scene) {
      const arrival = scene.plugin.expect(() => true);
      const asked = scene.ask(scene.host.base === "" ? "/" : "");
      const served = await scene.arrived(arrival);
      await answer(served);
      expectEqual((await asked.whole()).status, 200, "the status");
      const { url, fullPath, basePath } = served.init;
      expectEqual(url, fullPath ? basePath : "/", "the url");
    },
  },
  {
    id: "R4.request-uri",
    text: "request_uri is the target as the client sent it.",
    async run(scene) {
      const { url, served } = await answered(scene, { path: "/a%2Fb?q=1" });
      expectEqual(served.init.requestUri, `${scene.host.base}${url}`, "request_uri");
    },
  },
  {
    id: "R5.query",
    text: "The query reaches the plugin byte for byte.",
    async run(scene) {
      await expectUrl(scene, "?b=2&a=1&;x&%zz&&=&a=2");
    },
  },
  {
    id: "M2.base-path",
    text: "base_path says where the plugin is for its clients.",
    async run(scene) {
      const { served } = await answered(scene);
      expectEqual(served.init.basePath, scene.host.base, "base_path");
    },
  },
  {
    id: "Q1.init",
    text: "The head says who asks, how, and under which id.",
    async run(scene) {
      const one = (await answered(scene)).served.init;
      const other = (await answered(scene)).served.init;
      const [protocol, major, minor] = scene.facts.isHttp2
        ? ["HTTP/2.0", 2, 0]
        : ["HTTP/1.1", 1, 1];
      const { server } = scene.host;
      expectEqual(
        [one.protocol, one.protocolMajor, one.protocolMinor],
        [protocol, major, minor],
        "the protocol and its numbers",
      );
      expectEqual(
        [one.scheme, one.host],
        ["http", `${server.host}:${server.port}`],
        "scheme and host",
      );
      expectThat(
        /^(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/i.test(one.remoteAddr),
        `remote_addr is ${one.remoteAddr}`,
      );
      expectThat(/^[\x21-\x7e]{1,128}$/.test(one.requestId), `request_id is ${one.requestId}`);
      expectThat(one.requestId !== other.requestId, "two exchanges have the same request_id");
    },
  },
  {
    id: "Q1.content-length",
    text: "The declared length reaches the plugin: none, a number, or not known.",
    async run(scene) {
      const none = await answered(scene);
      const five = await answered(scene, { body: Buffer.from("12345") });
      const unknown = await scene.exchange({ body: "stream" });
      unknown.asked.end();
      await answer(unknown.served);
      await unknown.asked.whole();
      expectEqual(
        [none, five, unknown].map(({ served }) => Number(served.init.contentLength)),
        [0, 5, -1],
        "the lengths",
      );
    },
  },
  {
    id: "Q2.no-body",
    text: "A request without a body is whole with its first message.",
    async run(scene) {
      const { served } = await answered(scene);
      expectEqual(
        [served.isWholeAtOnce, served.bodyBytes],
        [true, 0],
        "init and end in one message, bytes",
      );
    },
  },
  {
    id: "Q3.sizes",
    text: "A body of any size arrives in order and whole, in chunks of 1 byte to 64 KiB.",
    async run(scene) {
      for (const size of [0, 1, 65_535, 65_536, 65_537, mebibyte]) {
        const body = scene.random(size, `${size}`);
        const { asked, served } = await scene.exchange({ method: "PUT", body });
        await untilEnd(scene, served);
        await answer(served);
        await asked.whole();
        expectEqual(
          [served.bodyBytes, served.sha256],
          [size, sha256(body)],
          "bytes and SHA-256 of the body",
        );
      }
    },
  },
  {
    id: "Q4.head-first",
    text: "The plugin hears of a request, and can answer it, before the first byte of its body.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ body: "stream" });
      await served.send({ init: head(), flush: true });
      expectEqual((await asked.head()).status, 200, "the status");
      await asked.write(scene.random(1_000));
      asked.end();
      await untilEnd(scene, served);
      await served.send({ end: {} });
      await asked.whole();
      expectEqual(served.bodyBytes, 1_000, "the bytes of the request");
    },
  },
  {
    id: "Q5.backpressure",
    text: "A plugin that does not read stops the client, and what waits is bounded.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ body: "stream", isPaused: true });
      const total = 16 * mebibyte;
      const hash = createHash("sha256");
      let sent = 0;
      const sending = (async () => {
        for (; sent < total; sent += 65_536) {
          const chunk = scene.random(65_536, `${sent}`);
          hash.update(chunk);
          await asked.exchange.write(chunk);
        }
        asked.end();
      })();
      sending.catch(() => undefined);
      const stalled = await scene.settled(() => asked.exchange.sentBytes());
      expectThat(
        stalled <= 12 * mebibyte,
        `the client could send ${stalled} bytes, and the plugin has read none: nothing holds it back`,
      );
      served.resume();
      await scene.within("the rest of the upload", sending);
      await untilEnd(scene, served);
      expectEqual(
        [served.bodyBytes, served.sha256],
        [total, hash.digest("hex")],
        "what arrived after all",
      );
      await answer(served);
      await asked.whole();
    },
  },
  {
    id: "Q6.continue",
    text: "100 (Continue) goes to the client when the plugin asks for the body, and not before.",
    over: "http1",
    async run(scene) {
      const { connection, served } = await expecting(scene);
      expectEqual(served.init.expectContinue, true, "expect_continue");
      await served.send({ informational: [{ status: 100 }] });
      const interim = await scene.within("100 at the client", connection.readResponse());
      expectEqual(interim.status, 100, "the status of the first response");
      connection.send("12345");
      await untilEnd(scene, served);
      await answer(served, 201);
      expectEqual(
        (await scene.within("the response", connection.readResponse())).status,
        201,
        "the status",
      );
    },
  },
  {
    id: "Q6.refused",
    text: "A plugin that answers without asking for the body makes no 100 (Continue).",
    over: "http1",
    async run(scene) {
      const { connection, served } = await expecting(scene);
      await answer(served, 417);
      expectEqual(
        (await scene.within("the response", connection.readResponse())).status,
        417,
        "the first status",
      );
    },
  },
  ...cutUploads(),
  {
    id: "Q8.trailers",
    text: "The request's trailers arrive behind its body.",
    async run(scene) {
      const trailers = [["X-Sum", "abc"]] as const;
      const { asked, served } = await scene.exchange({
        body: "stream",
        trailers,
        headers: [["Trailer", "X-Sum"]],
      });
      await asked.write(Buffer.from("body"));
      asked.end();
      await untilEnd(scene, served);
      await answer(served);
      await asked.whole();
      const values = (served.end ?? []).filter(([name]) => name.toLowerCase() === "x-sum");
      expectEqual(
        values.map(([, value]) => value),
        ["abc"],
        "the trailer X-Sum",
      );
    },
  },
  {
    id: "Q9.ignored-body",
    text: "A plugin may leave the body unread: its response is whole, and the next request is right.",
    async run(scene) {
      for (let round = 0; round < 10; round += 1) {
        const body = scene.random(300_000);
        const { asked, served } = await scene.exchange({ body, isPaused: true });
        await answer(served, 200, "unread");
        expectEqual(Buffer.from((await asked.whole()).body).toString(), "unread", "the body");
        await scene.servesOn();
      }
    },
  },
  {
    id: "Q10.bodies",
    text: "GET, HEAD and DELETE may have a body.",
    async run(scene) {
      for (const method of ["GET", "HEAD", "DELETE"]) {
        const { asked, served } = await scene.exchange({ method, body: scene.random(1_000) });
        await untilEnd(scene, served);
        await answer(served, 200, "");
        await asked.whole();
        expectEqual([served.init.method, served.bodyBytes], [method, 1_000], "method and bytes");
      }
    },
  },
];

/** Q7: however an upload is cut off, the plugin never gets an end. */
function cutUploads(): readonly HostCheck[] {
  const text = "An upload that is cut off is given up at the plugin: it never gets an end.";
  const raw = (id: string, framing: string, sent: string, cut: "finish" | "reset"): HostCheck => ({
    id,
    text,
    over: "http1",
    async run(scene) {
      const connection = await scene.raw();
      const { path, arrival } = scene.expect();
      connection.send(
        `POST ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${sent}`,
      );
      const served = await scene.arrived(arrival);
      await scene.until("the first bytes at the plugin", () => served.bodyBytes === 5);
      connection[cut]();
      await expectCut(scene, served);
    },
  });
  return [
    raw("Q7.short-length", "Content-Length: 10", "12345", "finish"),
    raw("Q7.short-length-reset", "Content-Length: 10", "12345", "reset"),
    raw("Q7.short-chunked", "Transfer-Encoding: chunked", "5\r\n12345\r\n", "finish"),
    raw("Q7.short-chunked-reset", "Transfer-Encoding: chunked", "5\r\n12345\r\n", "reset"),
    {
      id: "Q7.left",
      text,
      async run(scene) {
        const { asked, served } = await scene.exchange({ body: "stream" });
        await asked.write(scene.random(1_000));
        await scene.until("the first bytes at the plugin", () => served.bodyBytes === 1_000);
        asked.leave();
        await expectCut(scene, served);
      },
    },
  ];
}

async function expectCut(scene: HostScene, served: ServedExchange): Promise<void> {
  await scene.givenUp(served);
  expectEqual(served.end, undefined, "the end of the request at the plugin");
}

/** A request that the plugin answers with 200. */
async function answered(scene: HostScene, request: SceneRequest = {}): Promise<BothEnds> {
  const both = await scene.exchange(request);
  await answer(both.served);
  expectEqual((await both.asked.whole()).status, 200, "the status");
  return both;
}

async function expectUrl(scene: HostScene, path: string): Promise<void> {
  const { url, served } = await answered(scene, { path });
  const { basePath, fullPath } = served.init;
  expectEqual(served.init.url, fullPath ? `${basePath}${url}` : url, "the url");
}

async function untilEnd(scene: HostScene, served: ServedExchange): Promise<void> {
  await scene.until("the end of the request at the plugin", () => {
    return served.end !== undefined || served.givenUp !== undefined;
  });
  expectThat(served.end !== undefined, `the request is not whole: ${served.outcome()}`);
}

/** A client that waits for 100 (Continue) before it sends its five bytes. */
async function expecting(scene: HostScene) {
  const connection = await scene.raw();
  const { path, arrival } = scene.expect();
  connection.send(
    `POST ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
  );
  return { connection, served: await scene.arrived(arrival) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
