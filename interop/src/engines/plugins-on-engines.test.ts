import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines } from "./engines.js";
import { enginePlugin } from "./engine-scripts.js";
import { itCallsPlugins, itServesEverything } from "./it-serves-everything.js";

describe.each(
  engines.flatMap((engine) =>
    (["stream", "mux"] as const).map((carrier) => ({ ...engine, carrier })),
  ),
)("a plugin on $name, on the $carrier carrier", ({ name, command, env, carrier }) => {
  let host: PluginHost;
  let server: Server;
  let origin: string;

  beforeAll(async () => {
    host = createPluginHost({
      plugins: {
        engine: { command: [...command, enginePlugin], env, carrier, mayCall: ["engine"] },
      },
      logger: false,
    });
    await host.start();
    server = createServer();
    host.attach(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/plugins/engine`;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await host.stop({ drainMs: 0 });
  });

  it("runs on that engine and carrier", async () => {
    expect(host.plugins).toMatchObject([{ state: "ready", carrier }]);
    expect(await (await fetch(`${origin}/engine`)).text()).toMatch(new RegExp(`^${name} \\d`));
  });

  itServesEverything(() => origin);

  itCallsPlugins(() => origin, "engine");

  it("is replaced by a new process when it is reloaded", async () => {
    const { pid } = host.plugins[0] ?? {};
    await host.reload("engine");
    expect(host.plugins).toMatchObject([{ state: "ready", restarts: 0 }]);
    expect(host.plugins[0]?.pid).not.toBe(pid);
    expect((await fetch(`${origin}/engine`)).status).toBe(200);
  });
});

it.each(engines)("a plugin on $name ends with its host", async ({ command, env }) => {
  const directory = await mkdtemp(join(tmpdir(), "servehttp-engine-"));
  const address = `unix:${directory}/plugin.sock`;
  const [program = "", ...args] = command;
  const plugin = spawn(program, [...args, enginePlugin], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
    env: { ...process.env, ...env, SERVEHTTP_ADDRESS: address, SERVEHTTP_HOST_FD: "3" },
  });
  try {
    // It listens, so it has looked at the descriptor; then the host's end of it closes, as when the host dies.
    const exited = once(plugin, "exit");
    await expect.poll(() => readdir(directory), { timeout: 15_000 }).toEqual(["plugin.sock"]);
    plugin.stdio[3]?.destroy();
    expect(await exited).toEqual([1, null]);
    expect(await readdir(directory)).toEqual([]);
  } finally {
    plugin.kill("SIGKILL");
    await rm(directory, { recursive: true });
  }
});
