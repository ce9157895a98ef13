import { MuxExchange } from "../wire/mux-host.js";
import type { Check } from "./check.js";
import { expectEqual, expectThat } from "./expect.js";
import { valuesOf } from "./request.js";
import { writtenBytes, writtenSha256 } from "./written-bytes.js";

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");

/** How the handler's response leaves the plugin. */
export const responseChecks: readonly Check[] = [
  {
    id: "P1.nothing",
    text: "A handler that writes nothing answers 200 without a body.",
    async run(scene) {
      const { exchange } = scene.steps([]);
      expectEqual((await exchange.complete()).status, 200, "the status");
      expectEqual(exchange.bodyBytes, 0, "the bytes of the body");
    },
  },
  {
    id: "P1.write",
    text: "A first write without a status is 200.",
    async run(scene) {
      const { exchange } = scene.steps(["write=10"]);
      expectEqual((await exchange.complete()).status, 200, "the status");
    },
  },
  {
    id: "P2.late-header",
    text: "Header fields that are set when the head has gone are left out, and harm nothing.",
    async run(scene) {
      const late = `header=X-Late:${hex("1")}`;
      const { exchange } = scene.steps([
        `header=X-Early:${hex("1")}`,
        "write=10",
        "flush",
        late,
        "write=10",
      ]);
      const { headers } = await exchange.complete();
      expectEqual(
        [valuesOf(headers, "x-early"), valuesOf(headers, "x-late"), exchange.bodyBytes],
        [["1"], [], 20],
        "X-Early, X-Late and the bytes of the body",
      );
    },
  },
  {
    id: "P2.second-head",
    text: "A second status is ignored.",
    async run(scene) {
      const { exchange } = scene.steps(["status=404", "flush", "status=200", "write=10"]);
      expectEqual((await exchange.complete()).status, 404, "the status");
    },
  },
  {
    id: "P3.status",
    text: "Every final status from 200 to 999 passes.",
    async run(scene) {
      for (const status of [200, 206, 299, 308, 404, 451, 500, 599, 600, 999]) {
        const { exchange } = scene.steps([`status=${status}`, "write=3"]);
        expectEqual((await exchange.complete()).status, status, "the status");
      }
    },
  },
  {
    id: "P4.values",
    text: "Each value of a header field stays a value of its own, in order, and its bytes survive.",
    async run(scene) {
      const values = ["a=1; Path=/", "b=2", "caf\u00e9 \u00ff"];
      const { exchange } = scene.steps(values.map((value) => `header=Set-Cookie:${hex(value)}`));
      const { headers } = await exchange.complete();
      expectEqual(valuesOf(headers, "set-cookie"), values, "the values of Set-Cookie");
    },
  },
  {
    id: "P5.head",
    text: "The answer to a HEAD keeps the Content-Length that the handler declares.",
    async run(scene) {
      const steps = [`header=Content-Length:${hex("1234")}`, "status=200"];
      const { exchange } = scene.steps(steps, { method: "HEAD" });
      const { status, headers } = await exchange.complete();
      expectEqual(
        [status, valuesOf(headers, "content-length")],
        [200, ["1234"]],
        "status and length",
      );
    },
  },
  {
    id: "P5.no-content",
    text: "204 and 304 are complete without a body.",
    async run(scene) {
      for (const status of [204, 304]) {
        const { exchange } = scene.steps([`status=${status}`]);
        expectEqual((await exchange.complete()).status, status, "the status");
        expectEqual(exchange.bodyBytes, 0, `the bytes of the body of a ${status}`);
      }
    },
  },
  {
    id: "P9.trailers",
    text: "Trailers come with the end.",
    async run(scene) {
      const { exchange } = scene.steps([
        "write=10",
        "flush",
        `trailer=X-Sum:${hex("abc")}`,
        `trailer=X-Two:${hex("2")}`,
      ]);
      await exchange.complete();
      const trailers = exchange.end ?? [];
      expectEqual(
        [valuesOf(trailers, "x-sum"), valuesOf(trailers, "x-two")],
        [["abc"], ["2"]],
        "the trailers",
      );
    },
  },
  {
    id: "P10.hints",
    text: "Informational responses come before the final head, at once, and several are allowed.",
    async run(scene) {
      const { key, exchange } = scene.steps([
        "hint=103",
        "hint=103",
        "wait",
        "status=201",
        "write=5",
      ]);
      await exchange.until("two informational responses", () => {
        return exchange.informational.length === 2 || exchange.isOver;
      });
      expectEqual(exchange.head?.status, undefined, "a final head before the handler went on");
      for (const { status, headers } of exchange.informational) {
        expectEqual(
          [status, valuesOf(headers, "link")],
          [103, ["</style.css>; rel=preload"]],
          "the hint",
        );
      }
      await scene.go(key);
      const { status, headers } = await exchange.complete();
      expectEqual(
        [status, exchange.informational.length],
        [201, 2],
        "the status, and how many hints",
      );
      expectEqual(valuesOf(headers, "link"), [], "the hint's Link in the final head");
    },
  },
  {
    id: "P11.sizes",
    text: "A body of any size is whole, in chunks of 1 byte to 64 KiB.",
    async run(scene) {
      for (const size of [1, 65_535, 65_536, 65_537, 100_003, 1_100_000]) {
        const { key, exchange } = scene.steps([`write=${size}`]);
        await exchange.complete();
        expectEqual(
          [exchange.bodyBytes, exchange.sha256],
          [size, writtenSha256(key, size)],
          "bytes and SHA-256 of the body",
        );
        expectThat(
          exchange.longestChunkBytes <= 65_536,
          `a chunk of ${exchange.longestChunkBytes} bytes: 65,536 are allowed`,
        );
      }
      scene.noViolation();
    },
  },
  {
    id: "P11.as-written",
    text: "What the handler has written and flushed arrives while it goes on.",
    async run(scene) {
      const { key, exchange } = scene.steps(["write=100", "flush", "wait", "write=50"]);
      await exchange.untilBody(100);
      expectEqual(
        exchange.body.equals(writtenBytes(key, 100)),
        true,
        "the first bytes are those written",
      );
      await scene.go(key);
      await exchange.complete();
      expectEqual(exchange.sha256, writtenSha256(key, 150), "the SHA-256 of the body");
    },
  },
  {
    id: "P12.flush",
    text: "A flush before the first write sends status and header fields at once.",
    async run(scene) {
      const { key, exchange } = scene.steps([
        `header=X-A:${hex("1")}`,
        "status=202",
        "flush",
        "wait",
      ]);
      const { status, headers } = await exchange.untilHead();
      expectEqual([status, valuesOf(headers, "x-a")], [202, ["1"]], "the head");
      await exchange.until("the part flush, which the host passes on", () => exchange.flushes > 0);
      await scene.go(key);
      await exchange.complete();
    },
  },
  {
    id: "P13.backpressure",
    text: "A client that does not read stops the handler's writes, and what waits is bounded.",
    async run(scene) {
      const total = 40 * 1_048_576;
      const host = await scene.newHost(65_535);
      const { key, exchange } = scene.steps(["flush", "wait", `write=${total}`], {}, host);
      await exchange.untilHead();
      exchange.pause();
      await scene.go(key);
      const written = await scene.settled(async () => (await scene.seen(key))?.written ?? 0);
      expectThat(
        written <= 24 * 1_048_576,
        `the handler could write ${written} bytes, and the client has read none: nothing holds it back`,
      );
      if (exchange instanceof MuxExchange) {
        expectThat(
          exchange.bodyBytes <= 262_144,
          `${exchange.bodyBytes} bytes came, with credit for 262144`,
        );
      }
      exchange.resume();
      await exchange.complete();
      expectEqual(
        [exchange.bodyBytes, exchange.sha256],
        [total, writtenSha256(key, total)],
        "the body",
      );
    },
  },
  {
    id: "P15.empty-write",
    text: "A write of no bytes commits the head.",
    async run(scene) {
      const { exchange } = scene.steps(["write=0", `header=X-Late:${hex("1")}`, "write=5"]);
      const { status, headers } = await exchange.complete();
      expectEqual(
        [status, valuesOf(headers, "x-late"), exchange.bodyBytes],
        [200, [], 5],
        "the response",
      );
    },
  },
];
