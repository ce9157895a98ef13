import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Behaviour } from "../behaviour.js";
import { Http1Client } from "../clients/http1-client.js";
import { valuesOf } from "../clients/test-client.js";
import { described, descriptionIn } from "../described.js";

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
];
