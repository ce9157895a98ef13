import { expectEqual, expectThat } from "../checks/expect.js";
import type { HostScene } from "../host/host-scene.js";
import { answer, fieldValues, head } from "./answers.js";
import type { HostCheck } from "./host-check.js";

/** What the host does with a request before a plugin sees it. */
export const edgeChecks: readonly HostCheck[] = [
  {
    id: "E1.identity",
    text: "A field that the host alone sets reaches the plugin from nobody else, however it is spelt.",
    needs: "identity",
    async run(scene) {
      const name = scene.facts.identity ?? "";
      const spellings = [name, name.toUpperCase(), name.replaceAll("-", "_"), capitals(name)];
      for (const spelling of spellings) {
        const { asked, served } = await scene.exchange({ headers: [[spelling, "forged"]] });
        await answer(served);
        await asked.whole();
        const seen = JSON.stringify(
          served.init.headers.map((one) => fieldValues([one], one.name.toLowerCase())),
        );
        expectThat(!seen.includes("forged"), `${spelling}: forged reached the plugin`);
      }
    },
  },
  {
    id: "E1.trailers",
    text: "A field that the host alone sets can't be forged in a trailer.",
    needs: "identity",
    over: "http1",
    async run(scene) {
      const name = scene.facts.identity ?? "";
      const other = name.replaceAll("-", "_");
      const served = await rawRequest(scene, [
        "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        `1\r\na\r\n0\r\n${name}: forged\r\n${other}: forged\r\nX-Fine: 1\r\n\r\n`,
      ]);
      await scene.until("the end of the request at the plugin", () => served.end !== undefined);
      expectEqual(
        served.end?.map(([key, value]) => [key.toLowerCase(), value]),
        [["x-fine", "1"]],
        "the trailers",
      );
    },
  },
  {
    id: "E2.hop-by-hop",
    text: "Fields that concern the client's connection alone do not reach the plugin.",
    over: "http1",
    async run(scene) {
      const served = await rawRequest(scene, [
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop\r\nConnection: x-other\r\n" +
          "X-Hop: 1\r\nX-Other: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n" +
          "TE: trailers, deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-End: 1\r\n\r\n",
      ]);
      const gone = [
        "connection",
        "x-hop",
        "x-other",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "http2-settings",
      ];
      const { headers } = served.init;
      expectEqual(
        gone.filter((name) => fieldValues(headers, name).length > 0),
        [],
        "those that came",
      );
      expectEqual(
        [fieldValues(headers, "te"), fieldValues(headers, "x-end")],
        [["trailers"], ["1"]],
        "TE and X-End",
      );
    },
  },
  {
    id: "E2.framing",
    text: "Host, the framing and Expect are no header fields at the plugin.",
    over: "http1",
    async run(scene) {
      const served = await rawRequest(scene, [
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345",
      ]);
      const { headers } = served.init;
      const gone = ["host", "content-length", "transfer-encoding", "expect"];
      expectEqual(
        gone.filter((name) => fieldValues(headers, name).length > 0),
        [],
        "those that came",
      );
      expectEqual(served.init.host, "a", "host");
    },
  },
  {
    id: "E3.values",
    text: "Several values of a header field stay separate and in order.",
    over: "http1",
    async run(scene) {
      const served = await rawRequest(scene, [
        "GET {path} HTTP/1.1\r\nHost: a\r\nX-M: one\r\nCookie: a=1\r\nX-M: two\r\nCookie: b=2\r\nx-m: three, four\r\n\r\n",
      ]);
      const { headers } = served.init;
      expectEqual(fieldValues(headers, "x-m"), ["one", "two", "three, four"], "the values of X-M");
      expectEqual(fieldValues(headers, "cookie"), ["a=1", "b=2"], "the values of Cookie");
    },
  },
  {
    id: "E4.bytes",
    text: "Header values are bytes: those that are no UTF-8 survive.",
    over: "http1",
    async run(scene) {
      const served = await rawRequest(scene, [
        "GET {path} HTTP/1.1\r\nHost: a\r\nX-Bytes: caf\u00e9 \u00ff\u0080\r\n\r\n",
      ]);
      expectEqual(
        fieldValues(served.init.headers, "x-bytes"),
        ["caf\u00e9 \u00ff\u0080"],
        "the value",
      );
    },
  },
  {
    id: "E6.forwarded",
    text: "A client that no one trusts can't say that it is somebody else.",
    async run(scene) {
      const headers = [
        ["X-Forwarded-For", "203.0.113.9"],
        ["Forwarded", "for=203.0.113.9"],
      ] as const;
      const { asked, served } = await scene.exchange({ headers });
      await answer(served);
      await asked.whole();
      expectThat(
        !served.init.remoteAddr.includes("203.0.113.9"),
        `remote_addr is ${served.init.remoteAddr}`,
      );
    },
  },
  {
    id: "C5.half-close",
    text: "A client that ends its half of the connection behind its request is still served.",
    over: "http1",
    async run(scene) {
      const connection = await scene.raw();
      const { path, arrival } = scene.expect();
      connection.send(`GET ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      connection.finish();
      const served = await scene.arrived(arrival);
      await answer(served, 200, "after it");
      const { body } = await scene.within("the response", connection.readResponse());
      expectEqual(Buffer.from(body).toString(), "after it", "the body");
    },
  },
  {
    id: "C6.pipelined",
    text: "Requests that a client sends without waiting are answered in their order.",
    over: "http1",
    async run(scene) {
      const connection = await scene.raw();
      const all = [1, 2, 3].map(() => scene.expect());
      const texts = all.map(
        ({ path }) => `GET ${scene.host.base}${path} HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      connection.send(texts.join(""));
      for (const [at, { arrival }] of all.entries()) {
        await answer(await scene.arrived(arrival), 200, `answer ${at}`);
        const { body } = await scene.within("the response", connection.readResponse());
        expectEqual(Buffer.from(body).toString(), `answer ${at}`, "the body");
      }
    },
  },
  refused(
    "C7.two-hosts",
    "two Host fields",
    400,
    "GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  ),
  refused("C7.no-host", "no Host field", 400, "GET {path} HTTP/1.1\r\n\r\n"),
  refused(
    "C7.coding",
    "a transfer coding that is not chunked",
    501,
    "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  ),
  refused(
    "C7.chunked-1.0",
    "a chunked body over HTTP/1.0",
    400,
    "POST {path} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  refused(
    "C7.two-lengths",
    "two lengths",
    400,
    "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
  ),
  refused(
    "C7.both-framings",
    "a length and chunks",
    400,
    "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  {
    id: "C10.paths",
    text: "No spelling of a path gets from outside of the plugin's base path into it.",
    over: "http1",
    async run(scene) {
      const parts = scene.host.base.split("/");
      const last = parts.pop() ?? "";
      if (last === "") {
        return;
      }
      const front = parts.join("/");
      for (const way of [
        `${front}/x/../${last}`,
        `${front}/x/%2e%2e/${last}`,
        `${front}/./${last}`,
        `${front}/%2e/${last}`,
        `${front}\\${last}`,
        `${front}//${last}`,
        `${front}/${last}%00`,
      ]) {
        const connection = await scene.raw();
        const { path, arrival } = scene.expect();
        let hasArrived = false;
        void arrival.then((served) => {
          hasArrived = true;
          void answer(served);
        });
        connection.send(`GET ${way}${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        await scene.within("the end of the connection", connection.readAllAfterFinish());
        expectThat(!hasArrived, `${way} reached the plugin`);
      }
    },
  },
];

/** A request that the host refuses, and no plugin sees. */
function refused(id: string, what: string, status: number, text: string): HostCheck {
  return {
    id,
    text: `A request with ${what} is refused with ${status}, and no plugin sees it.`,
    over: "http1",
    async run(scene) {
      const connection = await scene.raw();
      const { path, arrival } = scene.expect();
      let hasArrived = false;
      void arrival.then((served) => {
        hasArrived = true;
        void answer(served);
      });
      connection.send(text.replace("{path}", `${scene.host.base}${path}`));
      const { status: got } = await scene.within("the response", connection.readHead());
      expectThat(!hasArrived, "it reached the plugin");
      expectEqual(got, status, "the status");
    },
  };
}

/** Sends a request byte for byte, and answers it with 200. */
async function rawRequest(scene: HostScene, pieces: readonly string[]) {
  const connection = await scene.raw();
  const { path, arrival } = scene.expect();
  connection.send(pieces.join("").replace("{path}", `${scene.host.base}${path}`));
  const served = await scene.arrived(arrival);
  await served.send({ init: head(), end: {} });
  expectEqual(
    (await scene.within("the response", connection.readResponse())).status,
    200,
    "the status",
  );
  return served;
}

function capitals(name: string): string {
  return name.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase()).replaceAll("-", "_");
}
