import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Behaviour, Scene } from "../behaviour.js";
import { call, Http1Client, type TestResponse, valuesOf } from "servehttp-conformance/testing";
import { described, descriptionIn } from "../described.js";
import type { HandlerRequest, HandlerResponse } from "../handler.js";

const noMount = { direct: "nothing is mounted: there is no host between" } as const;

export const mountBehaviours: readonly Behaviour[] = [
  {
    row: "M1",
    name: "a plugin with the whole path gets it byte by byte",
    notOn: noMount,
    async check({ client }) {
      for (const rest of ["/a%2Fb?q", "", "?q", "/", "//x", "/../y", "/%C3%A9?a=%20+&&"]) {
        const seen = await described(client, { path: `/plugins/site${rest}` });
        strictEqual(seen.url, `/plugins/site${rest}`);
        deepStrictEqual([seen.basePath, seen.requestUri], ["/plugins/site", seen.url]);
      }
    },
  },
  {
    row: "M1",
    name: "a secret parameter is removed from a whole path, too",
    notOn: noMount,
    async check({ client }) {
      const seen = await described(client, { path: "/plugins/site/x?access_token=SECRET&a=1" });
      strictEqual(seen.url, "/plugins/site/x?a=1");
    },
  },
  {
    row: "M1",
    name: "a whole path stays with the plugin that it names",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw }) {
      for (const rest of ["/../conformance/x", "/%2e%2e/conformance/x", "/..%2fconformance"]) {
        const connection = await raw();
        connection.send(`GET /plugins/site${rest} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const seen = descriptionIn(await connection.readResponse());
        strictEqual(seen.url, `/plugins/site${rest}`);
      }
    },
  },
  {
    row: "M1",
    name: "an upgrade has the whole path",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw }) {
      const connection = await raw();
      connection.send(
        "GET /plugins/site/chat?room=1 HTTP/1.1\r\nHost: a\r\n" +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      const seen = descriptionIn(await connection.readResponse());
      deepStrictEqual(valuesOf(seen.headers, "upgrade"), ["websocket"]);
      strictEqual(seen.url, "/plugins/site/chat?room=1");
    },
  },
  {
    row: "M2",
    name: "the plugin is told its base path",
    async check({ client, target }) {
      const seen = await described(client, { path: `${target.base}/x` });
      strictEqual(seen.basePath, target.base);
      const prefixes = target.base === "" ? [] : [target.base];
      deepStrictEqual(valuesOf(seen.headers, "x-forwarded-prefix"), prefixes);
    },
  },
  {
    row: "M2",
    name: "a mount path is part of the base path",
    clients: ["http1"],
    notOn: noMount,
    async check({ target }) {
      using client = new Http1Client(target.mountedPort);
      for (const rest of ["/a%2Fb?q", "", "?q"]) {
        const seen = await described(client, { path: `/sub${target.base}${rest}` });
        strictEqual(seen.basePath, `/sub${target.base}`);
        deepStrictEqual(valuesOf(seen.headers, "x-forwarded-prefix"), [`/sub${target.base}`]);
        const whole = await described(client, { path: `/sub/plugins/site${rest}` });
        strictEqual(whole.basePath, "/sub/plugins/site");
        strictEqual(whole.url, `/sub/plugins/site${rest}`);
      }
    },
  },
  {
    row: "M2",
    name: "a stranger says nothing of the base path",
    notOn: noMount,
    async check({ client, target }) {
      for (const name of ["X-Forwarded-Prefix", "x_forwarded_prefix"]) {
        const seen = await described(client, {
          path: `${target.base}/x`,
          headers: [[name, "/evil"]],
        });
        strictEqual(seen.basePath, target.base);
        deepStrictEqual(valuesOf(seen.headers, "x-forwarded-prefix"), [target.base]);
      }
    },
  },
  {
    row: "M2",
    name: "a process is told its base path by its environment",
    clients: ["http1"],
    notOn: noMount,
    async check({ target }) {
      const { detail } = await target.observation.process("site");
      strictEqual((detail as { basePath: string }).basePath, "/plugins/site");
    },
  },
  {
    row: "M3",
    name: "a plugin is at the root of its host names, whatever the port and the letter case",
    notOn: noMount,
    async check(scene) {
      for (const host of [
        "notes.localhost",
        "notes.localhost:8080",
        "Notes.LOCALHOST:1",
        "notes.localhost.",
      ]) {
        for (const path of ["/x", "/", "/a%2Fb?q", "/plugins/site/x", "//x"]) {
          const seen = descriptionIn(await askHost(scene, host, path));
          deepStrictEqual([seen.url, seen.basePath, seen.host], [path, "", host]);
          deepStrictEqual(valuesOf(seen.headers, "x-forwarded-prefix"), []);
        }
      }
    },
  },
  {
    row: "M3",
    name: "an unknown host name is not the plugin's, and keeps the prefix",
    notOn: noMount,
    async check(scene) {
      for (const host of ["other.localhost", "x.notes.localhost", "notes.localhost.evil", "a"]) {
        strictEqual((await askHost(scene, host, "/x")).status, 404, host);
        const path = `${scene.target.base}/x`;
        strictEqual(descriptionIn(await askHost(scene, host, path)).url, "/x");
      }
    },
  },
  {
    row: "M3",
    name: "the target decides over the Host field",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw }) {
      const ask = async (target: string, host: string) => {
        const connection = await raw();
        connection.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        return await connection.readResponse();
      };
      const own = descriptionIn(await ask("http://notes.localhost/x", "other.localhost"));
      deepStrictEqual([own.url, own.host], ["/x", "notes.localhost"]);
      strictEqual(descriptionIn(await ask("http://notes.localhost?q", "a")).url, "/?q");
      strictEqual((await ask("http://other.localhost/x", "notes.localhost")).status, 404);
      strictEqual((await ask("http://notes.localhost@other/x", "notes.localhost")).status, 404);
    },
  },
  {
    row: "M3",
    name: "a request for two hosts is refused, and no plugin is called",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw, target }) {
      const plugin = await target.plugin();
      const before = (await plugin.report()).exchanges;
      for (const [one, other] of [
        ["notes.localhost", "other.localhost"],
        ["other.localhost", "notes.localhost"],
        ["notes.localhost", "notes.localhost"],
      ]) {
        const connection = await raw();
        connection.send(`GET /x HTTP/1.1\r\nHost: ${one}\r\nHost: ${other}\r\n\r\n`);
        strictEqual((await connection.readResponse()).status, 400);
      }
      strictEqual((await plugin.report()).exchanges, before);
    },
  },
  {
    row: "M3",
    name: "an upgrade for a host name reaches its plugin",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw }) {
      const connection = await raw();
      connection.send(
        "GET /chat HTTP/1.1\r\nHost: notes.localhost\r\n" +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      const seen = descriptionIn(await connection.readResponse());
      deepStrictEqual([seen.url, valuesOf(seen.headers, "upgrade")], ["/chat", ["websocket"]]);
    },
  },
  {
    row: "M4",
    name: "redirects and cookies get the base path where the option says so",
    notOn: noMount,
    handler: lead,
    async check({ client, exchange, target }) {
      const led = exchange().path.replace(target.base, "/plugins/led");
      for (const status of [201, 301, 302, 303, 307, 308]) {
        for (const [location, expected] of locations) {
          const path = `${led}?${status}&${encodeURIComponent(location)}`;
          const answer = await call(client, { path });
          strictEqual(answer.status, status);
          const host = valuesOf(answer.headers, "x-host")[0] ?? "";
          const own = (text: string) => text.replace("OWN", `http://${host}`);
          deepStrictEqual(valuesOf(answer.headers, "location").map(own), [own(expected)]);
        }
      }
      const answer = await call(client, { path: `${led}?302&x` });
      deepStrictEqual(valuesOf(answer.headers, "set-cookie"), [
        "a=1; Path=/plugins/led; HttpOnly",
        "b=2; path=/plugins/led/x",
        "c=3",
        "__Host-d=4; Secure; Path=/",
      ]);
      deepStrictEqual(valuesOf(answer.headers, "refresh"), ["0; url=/x"]);
      deepStrictEqual(valuesOf(answer.headers, "content-location"), ["/x"]);
    },
  },
  {
    row: "M4",
    name: "redirects and cookies stay as they are without the option",
    notOn: noMount,
    handler: lead,
    async check({ client, exchange }) {
      for (const [location] of locations) {
        const path = `${exchange().path}?302&${encodeURIComponent(location)}`;
        const answer = await call(client, { path });
        const host = valuesOf(answer.headers, "x-host")[0] ?? "";
        const sent = location.replace("OWN", `http://${host}`);
        deepStrictEqual(valuesOf(answer.headers, "location"), [sent]);
        strictEqual(valuesOf(answer.headers, "set-cookie")[0], "a=1; Path=/; HttpOnly");
      }
    },
  },
  {
    row: "M4",
    name: "the bare base path is redirected to the one with a slash where the option says so",
    notOn: noMount,
    async check({ client }) {
      for (const [method, query] of [
        ["GET", ""],
        ["HEAD", "?a=/b"],
      ] as const) {
        const path = `/plugins/led${query}`;
        const { status, headers } = await call(client, { method, path });
        strictEqual(status, 301);
        deepStrictEqual(valuesOf(headers, "location"), [`/plugins/led/${query}`]);
      }
      strictEqual((await described(client, { method: "DELETE", path: "/plugins/led" })).url, "/");
      strictEqual((await described(client, { path: "/plugins/led/" })).url, "/");
    },
  },
  {
    row: "M4",
    name: "an upgrade of the bare base path is not redirected",
    clients: ["http1"],
    notOn: noMount,
    async check({ raw }) {
      const connection = await raw();
      connection.send(
        "GET /plugins/led HTTP/1.1\r\nHost: a\r\n" +
          "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      strictEqual(descriptionIn(await connection.readResponse()).url, "/");
    },
  },
];

/** What a plugin answers as Location, and what its client gets; OWN is the client's own origin. */
const locations: readonly (readonly [string, string])[] = [
  ["/x?a#b", "/plugins/led/x?a#b"],
  ["/", "/plugins/led/"],
  ["OWN/x", "OWN/plugins/led/x"],
  ["/plugins/led/x", "/plugins/led/x"],
  ["OWN/plugins/led", "OWN/plugins/led"],
  ["//other/x", "//other/x"],
  ["http://other/x", "http://other/x"],
  ["x", "x"],
  ["../x", "../x"],
  ["?x", "?x"],
];

/** Answers with the status and the Location that its query names, and with all that may lead away. */
async function lead(request: HandlerRequest, response: HandlerResponse): Promise<void> {
  const [status, location = ""] = request.url.slice(request.url.indexOf("?") + 1).split("&");
  const own = `http://${request.host}`;
  response.headers.set("x-host", request.host);
  response.headers.set("location", decodeURIComponent(location).replace("OWN", own));
  response.headers.set("content-location", "/x");
  response.headers.set("refresh", "0; url=/x");
  for (const cookie of [
    "a=1; Path=/; HttpOnly",
    "b=2; path=/x",
    "c=3",
    "__Host-d=4; Secure; Path=/",
  ]) {
    response.headers.append("set-cookie", cookie);
  }
  response.writeHead(Number(status));
  await response.end();
}

/** Sends a GET for a host, by the client's protocol. */
async function askHost(
  { client, clientName, raw }: Scene,
  host: string,
  path: string,
): Promise<Pick<TestResponse, "status" | "body">> {
  if (clientName === "http2") {
    return await call(client, { path, headers: [[":authority", host]] });
  }
  const connection = await raw();
  connection.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return await connection.readResponse();
}
