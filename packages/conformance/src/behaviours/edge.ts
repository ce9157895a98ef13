import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Behaviour } from "../behaviour.js";
import { call, valuesOf } from "servehttp-conformance/testing";
import { described, descriptionIn } from "../described.js";

const noEdge = { direct: "there is no host between, so nobody's policy" } as const;

export const edgeBehaviours: readonly Behaviour[] = [
  {
    row: "E1",
    name: "identity is set by the host alone, whatever the client sends",
    notOn: noEdge,
    async check({ client, target }) {
      for (const name of ["x-user-id", "X-USER-id", "x_user_id", "X_User_Id", "x-user_id"]) {
        const seen = await described(client, {
          path: `${target.base}/x`,
          headers: [
            ["x-login", "ada"],
            [name, "evil"],
          ],
        });
        deepStrictEqual(valuesOf(seen.headers, "x-user-id"), ["ada"], name);
        ok(!JSON.stringify(seen.headers).includes("evil"), name);
      }
    },
  },
  {
    row: "E1",
    name: "identity can't be forged in a trailer",
    clients: ["http1"],
    notOn: noEdge,
    async check({ raw, target }) {
      const connection = await raw();
      connection.send(
        `POST ${target.base}/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n` +
          "Trailer: X-User-Id, X_User_Id\r\n\r\n" +
          "1\r\na\r\n0\r\nX-User-Id: evil\r\nX_User_Id: evil\r\nX-Fine: 1\r\n\r\n",
      );
      const seen = descriptionIn(await connection.readResponse());
      ok(!JSON.stringify(seen).includes("evil"));
      deepStrictEqual(valuesOf(seen.trailers, "x-fine"), ["1"]);
    },
  },
  {
    row: "E2",
    name: "hop-by-hop fields of the client are removed, before identity is added",
    clients: ["http1"],
    notOn: noEdge,
    async check({ raw, target }) {
      const connection = await raw();
      connection.send(
        `GET ${target.base}/x HTTP/1.1\r\nHost: a\r\nX-Login: ada\r\n` +
          "Connection: keep-alive, x-user-id, X-Hop\r\nConnection: x-other\r\n" +
          "X-Hop: 1\r\nX-Other: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n" +
          "Proxy-Authorization: Basic x\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\n" +
          "HTTP2-Settings: AAA\r\nX-End: 1\r\n\r\n",
      );
      const seen = descriptionIn(await connection.readResponse());
      deepStrictEqual(valuesOf(seen.headers, "x-user-id"), ["ada"]);
      deepStrictEqual(valuesOf(seen.headers, "x-end"), ["1"]);
      for (const name of [
        "connection",
        "x-hop",
        "x-other",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
        "http2-settings",
        "transfer-encoding",
      ]) {
        deepStrictEqual(valuesOf(seen.headers, name), [], name);
      }
      deepStrictEqual(valuesOf(seen.headers, "te"), ["trailers"]);
    },
  },
  {
    row: "E2",
    name: "fields that Connection names are removed from the response",
    clients: ["http1"],
    notOn: noEdge,
    async handler(_request, response) {
      response.headers.append("connection", "X-Hop");
      response.headers.append("x-hop", "1");
      response.headers.append("proxy-authenticate", "Basic");
      response.headers.append("x-end", "1");
      await response.end("body");
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      deepStrictEqual(valuesOf(answer.headers, "x-hop"), []);
      deepStrictEqual(valuesOf(answer.headers, "x-end"), ["1"]);
    },
  },
  {
    row: "E3",
    name: "fields with several values arrive value by value, in order",
    clients: ["http1"],
    async check({ raw, target }) {
      const connection = await raw();
      connection.send(
        `GET ${target.base}/x HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nX-M: one, two\r\n` +
          "Authorization: Basic x\r\nCookie: b=2\r\nX-M: three\r\nAuthorization: Bearer y\r\n" +
          "x-m: \r\nX-M: one, two\r\n\r\n",
      );
      const seen = descriptionIn(await connection.readResponse());
      deepStrictEqual(valuesOf(seen.headers, "cookie"), ["a=1", "b=2"]);
      deepStrictEqual(valuesOf(seen.headers, "x-m"), ["one, two", "three", "", "one, two"]);
      deepStrictEqual(valuesOf(seen.headers, "authorization"), ["Basic x", "Bearer y"]);
    },
  },
  {
    row: "E3",
    name: "fields with several values arrive value by value on HTTP/2",
    clients: ["http2"],
    async check({ client, target }) {
      const seen = await described(client, {
        path: `${target.base}/x`,
        headers: [
          ["x-m", "one, two"],
          ["x-m", "three"],
          ["cookie", "a=1"],
          ["cookie", "b=2"],
        ],
      });
      deepStrictEqual(valuesOf(seen.headers, "x-m"), ["one, two", "three"]);
      deepStrictEqual(valuesOf(seen.headers, "cookie").join("; "), "a=1; b=2");
    },
  },
  {
    row: "E4",
    name: "values are bytes, both ways, whatever the body's first chunk is",
    async handler(request, response) {
      response.headers.set("x-echo", request.headers.get("x-bytes") ?? "");
      if (request.url.endsWith("?text")) {
        await response.end("text");
      } else {
        await response.end(Buffer.from("bytes"));
      }
    },
    async check({ client, exchange }) {
      const bytes = "caf\u00e9 \u00ff \u0080 \u00a0x";
      for (const kind of ["?text", "?bytes"]) {
        const answer = await call(client, {
          path: exchange().path + kind,
          headers: [["x-bytes", bytes]],
        });
        deepStrictEqual(valuesOf(answer.headers, "x-echo"), [bytes]);
      }
    },
  },
  {
    row: "E5",
    name: "the host's own cookies, fields and parameters are removed, others pass",
    notOn: noEdge,
    async check({ client, target }) {
      const seen = await described(client, {
        path: `${target.base}/x?access_token=SECRET&a=1`,
        headers: [
          ["cookie", "a=1; session=SECRET; other=2"],
          ["x-api-key", "SECRET"],
          ["authorization", "Bearer theirs"],
        ],
      });
      strictEqual(valuesOf(seen.headers, "cookie").join("; "), "a=1; other=2");
      deepStrictEqual(valuesOf(seen.headers, "authorization"), ["Bearer theirs"]);
      ok(!JSON.stringify(seen).includes("SECRET"));
    },
  },
  {
    row: "E6",
    name: "forwarded fields of the client are not trusted, and the host's own are right",
    notOn: noEdge,
    async check({ client, target }) {
      const seen = await described(client, {
        path: `${target.base}/x`,
        headers: [
          ["x-forwarded-for", "6.6.6.6"],
          ["x-forwarded-host", "evil.example"],
          ["x-forwarded-proto", "https"],
          ["forwarded", "for=6.6.6.6"],
        ],
      });
      deepStrictEqual(valuesOf(seen.headers, "x-forwarded-for"), ["127.0.0.1"]);
      deepStrictEqual(valuesOf(seen.headers, "x-forwarded-proto"), ["http"]);
      deepStrictEqual(valuesOf(seen.headers, "x-forwarded-host"), [seen.host]);
      ok(!JSON.stringify(seen.headers).includes("6.6.6.6"));
      ok(!JSON.stringify(seen.headers).includes("evil"));
    },
  },
  {
    row: "E7",
    name: "a response can't set the host's own cookies",
    notOn: noEdge,
    async handler(_request, response) {
      response.headers.append("set-cookie", "mine=1");
      response.headers.append("set-cookie", "session=stolen; Path=/");
      response.headers.append("set-cookie", " session = stolen");
      response.headers.append("set-cookie", "yours=2");
      await response.end();
    },
    async check({ client, exchange }) {
      const answer = await call(client, { path: exchange().path });
      deepStrictEqual(valuesOf(answer.headers, "set-cookie"), ["mine=1", "yours=2"]);
    },
  },
  {
    row: "E8",
    name: "a trusted proxy says who the client is, and what the client itself says is dropped",
    notOn: noEdge,
    async check({ clientAt, target }) {
      const seen = await described(clientAt("127.0.0.3"), {
        path: `${target.base}/x`,
        headers: [
          ["x-forwarded-for", "6.6.6.6, 203.0.113.7"],
          ["x-forwarded-proto", "gopher, https"],
          ["forwarded", "for=6.6.6.6;proto=http"],
        ],
      });
      deepStrictEqual([seen.remoteAddress, seen.scheme], ["203.0.113.7:0", "https"]);
      deepStrictEqual(valuesOf(seen.headers, "x-forwarded-for"), ["203.0.113.7, 127.0.0.3"]);
      ok(!JSON.stringify(seen).includes("6.6.6.6"));
      ok(!JSON.stringify(seen).includes("gopher"));
    },
  },
  {
    row: "E8",
    name: "a chain of proxies is believed as far as each of them is trusted",
    notOn: noEdge,
    async check({ clientAt, target }) {
      for (const [chain, address] of [
        ["6.6.6.6, 203.0.113.7, 127.0.0.4", "203.0.113.7:0"],
        ["203.0.113.7, 127.0.0.5", "127.0.0.5:0"],
        ["127.0.0.4", "127.0.0.4:0"],
      ] as const) {
        const seen = await described(clientAt("127.0.0.3"), {
          path: `${target.base}/x`,
          headers: [["x-forwarded-for", chain]],
        });
        deepStrictEqual([seen.remoteAddress, seen.scheme], [address, "http"], chain);
      }
    },
  },
  {
    row: "E8",
    name: "nobody else says who the client is",
    notOn: noEdge,
    async check({ clientAt, target }) {
      const seen = await described(clientAt("127.0.0.2"), {
        path: `${target.base}/x`,
        headers: [
          ["x-forwarded-for", "203.0.113.7"],
          ["x-forwarded-proto", "https"],
        ],
      });
      match(seen.remoteAddress, /^127\.0\.0\.2:\d+$/);
      strictEqual(seen.scheme, "http");
    },
  },
];
