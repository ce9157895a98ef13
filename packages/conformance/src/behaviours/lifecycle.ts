import { match, ok, strictEqual } from "node:assert/strict";
import { stat } from "node:fs/promises";
import { connect, type OutgoingHttpHeaders } from "node:http2";
import { dirname } from "node:path";
import type { Behaviour, Scene } from "../behaviour.js";
import { described } from "../described.js";

const nothingSpawned = { direct: "nothing is spawned" } as const;

export const lifecycleBehaviours: readonly Behaviour[] = [
  {
    row: "L1",
    name: "a spawned plugin serves from the first request on, in a process of its own",
    notOn: nothingSpawned,
    async check({ client, target }) {
      strictEqual((await described(client, { path: `${target.base}/first` })).url, "/first");
      const [front, plugin] = await Promise.all([target.front(), target.plugin()]);
      ok(front.pid !== plugin.pid);
    },
  },
  {
    row: "L7",
    name: "the socket lies in a directory that nobody else may enter",
    clients: ["http1"],
    notOn: nothingSpawned,
    async check(scene) {
      const { path } = await doorOf(scene);
      const directory = await stat(dirname(path));
      ok(directory.isDirectory());
      strictEqual((directory.mode & 0o777).toString(8), "700");
    },
  },
  ...[
    "/servehttp.v1.PluginService/Describe",
    "/servehttp.v1.PluginService/ServeHTTP",
    "/servehttp.v1.PluginService/ServeHTTPMux",
    "/grpc.health.v1.Health/Check",
  ].map((rpc): Behaviour => ({
    row: "L7",
    name: `a client without the right token is refused at ${rpc}`,
    clients: ["http1"],
    notOn: nothingSpawned,
    async check(scene) {
      const { path, token } = await doorOf(scene);
      const before = (await (await scene.target.plugin()).report()).exchanges;
      const unauthenticated = "16";
      strictEqual(await grpcStatus(path, rpc, {}), unauthenticated);
      for (const wrong of [`${token}x`, token.slice(0, -1), "", token.toUpperCase()]) {
        const shown = { authorization: `Bearer ${wrong}` };
        strictEqual(await grpcStatus(path, rpc, shown), unauthenticated);
      }
      strictEqual(await grpcStatus(path, rpc, { authorization: token }), unauthenticated);
      strictEqual((await (await scene.target.plugin()).report()).exchanges, before);
    },
  })),
];

/** Where the plugin listens, and what it wants to be shown. */
async function doorOf(scene: Scene): Promise<{ path: string; token: string }> {
  const plugin = await scene.target.plugin();
  const { address, token } = plugin.detail as { address: string; token: string };
  match(address, /^unix:\//);
  ok(token.length >= 16, "the token is long enough not to be guessed");
  return { path: address.slice("unix:".length), token };
}

/** Makes an RPC of one empty message and returns its status. */
async function grpcStatus(
  socketPath: string,
  rpc: string,
  headers: OutgoingHttpHeaders,
): Promise<unknown> {
  const session = connect("http://plugin", { path: socketPath });
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": rpc,
      "content-type": "application/grpc+proto",
      te: "trailers",
      ...headers,
    });
    stream.end(Buffer.alloc(5));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    for (const event of ["response", "trailers"] as const) {
      stream.on(event, (fields: Record<string, unknown>) => {
        if (fields["grpc-status"] !== undefined) {
          resolve(fields["grpc-status"]);
        }
      });
    }
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("closed without a status")));
    stream.resume();
    return await promise;
  } finally {
    session.destroy();
  }
}
