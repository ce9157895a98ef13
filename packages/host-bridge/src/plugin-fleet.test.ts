import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { TemporaryDirectory } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { createPluginHost } from "./create-plugin-host.js";

const sdk = pathToFileURL(createRequire(import.meta.url).resolve("@servehttp/plugin-sdk")).href;

const script = `
import { servePlugin } from ${JSON.stringify(sdk)};
await servePlugin({
  async serveHTTP(request, response) {
    if (request.url === "/fail") {
      response.writeHead(500);
    } else if (request.url === "/die") {
      process.kill(process.pid, "SIGKILL");
    }
    await response.end(String(process.pid));
  },
});
`;

it("binds clients to processes by a cookie, and sends them elsewhere where one fails or dies", async () => {
  await using directory = await TemporaryDirectory.make();
  writeFileSync(directory.at("plugin.mjs"), script);
  const host = createPluginHost({
    logger: false,
    plugins: {
      chat: {
        command: [process.execPath, directory.at("plugin.mjs")],
        instances: 3,
        balance: { affinity: { cookie: "route" } },
        timeouts: { startMs: 60_000 },
      },
    },
  });
  const server = host.attach(createServer());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const ask = async (path: string, cookie?: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/plugins/chat${path}`, {
      headers: cookie === undefined ? {} : { cookie },
    });
    const [set] = response.headers.getSetCookie();
    return { status: response.status, pid: await response.text(), set };
  };
  try {
    await host.start();
    // What the first response sets brings every later request to the same process.
    const first = await ask("/");
    expect(first.set).toMatch(/^route=[a-z0-9]+; Path=\/plugins\/chat; HttpOnly; SameSite=Lax$/);
    const cookie = first.set?.split(";")[0] ?? "";
    for (let at = 0; at < 10; at += 1) {
      expect(await ask("/", cookie)).toEqual({ status: 200, pid: first.pid, set: undefined });
    }
    // Others are anywhere.
    const pids = new Set<string>();
    for (let at = 0; at < 100 && pids.size < 3; at += 1) {
      pids.add((await ask("/")).pid);
    }
    expect(pids.size).toBe(3);
    // Five failures in a row eject it: its clients are bound to another one.
    for (let at = 0; at < 5; at += 1) {
      expect(await ask("/fail", cookie)).toMatchObject({ status: 500, pid: first.pid });
    }
    const moved = await ask("/", cookie);
    expect(moved.status).toBe(200);
    expect(moved.pid).not.toBe(first.pid);
    const next = moved.set?.split(";")[0] ?? "";
    expect(await ask("/", next)).toEqual({ status: 200, pid: moved.pid, set: undefined });
    // So does its death.
    expect((await ask("/die", next)).status).toBe(502);
    const again = await ask("/", next);
    expect(again.status).toBe(200);
    expect(again.pid).not.toBe(moved.pid);
  } finally {
    server.close();
    server.closeAllConnections();
    await host.stop({ drainMs: 0 });
  }
});
