import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { TemporaryDirectory } from "@servehttp/testkit";
import { servePlugin } from "./serve-plugin.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** Calls an RPC as docs/plugins.md shows it. */
async function bufCurl(...args: readonly string[]): Promise<unknown> {
  const common = ["curl", "--schema", "proto", "--http2-prior-knowledge"];
  const run = promisify(execFile);
  const { stdout } = await run("node_modules/.bin/buf", [...common, ...args], { cwd: root });
  return JSON.parse(stdout);
}

const handler = {
  async serveHTTP(request: { url: string }, response: { end(text: string): Promise<void> }) {
    await response.end(`hello from ${request.url}`);
  },
};

it("can be looked at by buf curl, in each protocol", { timeout: 60_000 }, async () => {
  await using plugin = await servePlugin(handler, { address: "127.0.0.1:0" });
  const service = `http://${plugin.address}/servehttp.v1.PluginService`;
  const described = await bufCurl("-d", '{"contractVersions":[1]}', `${service}/Describe`);
  expect(described).toMatchObject({ contractVersion: 1, servesHttp: true });
  const request = JSON.stringify({ init: { method: "GET", url: "/notes" }, end: {} });
  for (const protocol of ["connect", "grpc"]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await bufCurl("--protocol", protocol, "-d", request, `${service}/ServeHTTP`);
    expect(answer).toEqual({
      init: { status: 200 },
      chunk: Buffer.from("hello from /notes").toString("base64"),
      end: {},
    });
  }
});

it(
  "can be looked at by buf curl over a unix socket, with a token",
  { timeout: 60_000 },
  async () => {
    await using directory = await TemporaryDirectory.make();
    const path = directory.at("s");
    await using plugin = await servePlugin(handler, { address: `unix:${path}`, token: "secret" });
    expect(plugin.address).toBe(`unix:${path}`);
    const args = [
      "--unix-socket",
      path,
      "-d",
      '{"contractVersions":[1]}',
      "http://localhost/servehttp.v1.PluginService/Describe",
    ];
    await expect(bufCurl(...args)).rejects.toThrow(/unauthenticated/);
    const answer = await bufCurl("--header", "authorization: Bearer secret", ...args);
    expect(answer).toMatchObject({ contractVersion: 1 });
  },
);
