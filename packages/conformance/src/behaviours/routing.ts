import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Behaviour, Scene } from "../behaviour.js";
import { call, Http1Client, valuesOf } from "servehttp-conformance/testing";
import { described, descriptionIn } from "../described.js";

const noPrefix = { direct: "nothing is routed: there is no prefix" } as const;

/** Targets that no plugin may ever see. */
const unroutable: readonly string[] = [
  "/plugins/a%20b/x",
  "/plugins/../x",
  "/plugins/./x",
  "/plugins/%2e%2e/x",
  "/plugins//x",
  "/plugins/",
  "/plugins",
  "/plugins/conformance%2f..%2fx/y",
  "/plugins/conformance%00/x",
  "/plugins/conformance\\x",
  "/pluginsconformance/x",
  "/PLUGINS/conformance/x",
  "//plugins/conformance/x",
  "/plugins//conformance/x",
  "/other",
];

export const routingBehaviours: readonly Behaviour[] = [
  {
    row: "R1",
    name: "every method reaches the plugin",
    async check({ client, target }) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
        const seen = await described(client, { method, path: `${target.base}/x` });
        strictEqual(seen.method, method);
        strictEqual(seen.url, "/x");
      }
    },
  },
  {
    row: "R1",
    name: "what names no plugin is 404, and no plugin is called",
    clients: ["http1"],
    notOn: noPrefix,
    async check({ raw, target }) {
      const plugin = await target.plugin();
      const before = (await plugin.report()).exchanges;
      for (const path of unroutable) {
        const connection = await raw();
        connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        const { status } = await connection.readResponse();
        ok(status === 404 || status === 400, `${path}: ${status}`);
      }
      strictEqual((await plugin.report()).exchanges, before);
    },
  },
  {
    row: "R1",
    name: "a path attack stays with the plugin that it names",
    clients: ["http1"],
    notOn: noPrefix,
    async check({ raw, target }) {
      for (const rest of ["/../impatient/x", "/%2e%2e/x", "/..%2fx", "//x", "/a//b/./c", "/\\x"]) {
        const connection = await raw();
        connection.send(`GET ${target.base}${rest} HTTP/1.1\r\nHost: a\r\n\r\n`);
        strictEqual(descriptionIn(await connection.readResponse()).url, rest);
      }
    },
  },
  {
    row: "R2",
    name: "the prefix is removed, and escapes stay as they came",
    async check({ client, target }) {
      const seen = await described(client, { path: `${target.base}/a%2Fb/%C3%A9%20?q=1%2F2` });
      strictEqual(seen.url, "/a%2Fb/%C3%A9%20?q=1%2F2");
    },
  },
  {
    row: "R2",
    name: "a mount path in front of the prefix is removed too, and stays in requestUri",
    clients: ["http1"],
    notOn: noPrefix,
    async check({ target }) {
      using client = new Http1Client(target.mountedPort);
      const seen = await described(client, { path: `/sub${target.base}/a%2Fb?q=1` });
      strictEqual(seen.url, "/a%2Fb?q=1");
      strictEqual(seen.requestUri, `/sub${target.base}/a%2Fb?q=1`);
    },
  },
  {
    row: "R2",
    name: "a mounted host leaves what is not its own to the next middleware",
    clients: ["http1"],
    notOn: noPrefix,
    async check({ target }) {
      using client = new Http1Client(target.mountedPort);
      const answer = await call(client, { path: "/sub/other" });
      strictEqual(answer.status, 299);
    },
  },
  {
    row: "R3",
    name: "the bare path is served as /, without a redirect",
    notOn: noPrefix,
    async check({ client, target }) {
      const bare = await described(client, { path: target.base });
      deepStrictEqual([bare.url, bare.requestUri], ["/", target.base]);
      const query = await described(client, { path: `${target.base}?a=1` });
      deepStrictEqual([query.url, query.requestUri], ["/?a=1", `${target.base}?a=1`]);
      const slash = await described(client, { path: `${target.base}/` });
      deepStrictEqual([slash.url, slash.requestUri], ["/", `${target.base}/`]);
    },
  },
  {
    row: "R4",
    name: "a secret parameter is in neither url nor requestUri nor any header",
    notOn: { direct: "secret parameters are the host's" },
    async check({ client, target }) {
      for (const [query, left] of [
        ["?access_token=SECRET&a=1", "?a=1"],
        ["?a=1&access_token=SECRET", "?a=1"],
        ["?a=1&access_token=SECRET&b=2", "?a=1&b=2"],
        ["?access%5Ftoken=SECRET&a=1", "?a=1"],
        ["?access_token=SECRET&access_token=SECRET2&a=1", "?a=1"],
      ] as const) {
        const seen = await described(client, { path: `${target.base}/x${query}` });
        strictEqual(seen.url, `/x${left}`);
        strictEqual(seen.requestUri, `${target.base}/x${left}`);
        ok(!JSON.stringify(seen).includes("SECRET"));
      }
    },
  },
  {
    row: "R5",
    name: "the query is otherwise the same byte by byte",
    clients: ["http1"],
    async check({ raw, target }) {
      for (const query of ["?b=2&a=1&;x&%zz", "?", "?a=%20+%2B&&=", "??x=/../", "?a=b?c=d"]) {
        const connection = await raw();
        connection.send(`GET ${target.base}/x${query} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const seen = descriptionIn(await connection.readResponse());
        strictEqual(seen.url, `/x${query}`);
        strictEqual(seen.requestUri, `${target.base}/x${query}`);
      }
    },
  },
  {
    row: "R6",
    name: "an unknown plugin is 404",
    notOn: noPrefix,
    async check(scene) {
      await refused(scene, "/plugins/unknown/x", 404);
    },
  },
  {
    row: "R6",
    name: "plugins that are switched off are 501",
    clients: ["http1"],
    notOn: noPrefix,
    async check({ target }) {
      using client = new Http1Client(target.disabledPort);
      const answer = await call(client, { path: "/plugins/conformance/x" });
      strictEqual(answer.status, 501);
    },
  },
  {
    row: "R6",
    name: "a plugin that is not running is 503 with Retry-After",
    notOn: noPrefix,
    async check(scene) {
      const headers = await refused(scene, "/plugins/stopped/x", 503);
      strictEqual(valuesOf(headers, "retry-after").length, 1);
    },
  },
];

async function refused(
  scene: Scene,
  path: string,
  status: number,
): Promise<readonly (readonly [string, string])[]> {
  const answer = await call(scene.client, { path });
  strictEqual(answer.status, status);
  strictEqual(valuesOf(answer.headers, "proxy-status").length, 1);
  return answer.headers;
}
