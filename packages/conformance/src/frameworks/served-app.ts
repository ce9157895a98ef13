import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import type { NodeHandler, PluginHandler } from "@servehttp/plugin-sdk";
import { seededBytes } from "../seeded-bytes.js";
import type { TargetName } from "../targets/target-names.js";
import { type AppName, createApp } from "./apps/create-app.js";

/** Where an application is served: by a server of Node's in this process, or as a plugin. */
export interface AppAddress {
  readonly target: TargetName;
  readonly port: number;
  /** The prefix of the application's paths: `""` or `"/plugins/…"`. */
  readonly base: string;
  /** `"http://127.0.0.1:port/plugins/…"`, without a slash at the end. */
  readonly url: string;
  /** Where Node serves the same application: this address itself if its target is `direct`. */
  readonly reference: AppAddress;
}

/** The files in the directory of an application. */
export const appFiles = {
  "text.txt": seededBytes("a text", 100_000),
  "big.bin": seededBytes("a big file", 20_971_520),
} as const;

/** One application, served on every target. */
export class ServedApp implements AsyncDisposable {
  readonly #directory: string;
  readonly #host: PluginHost;
  readonly #servers: readonly Server[];
  readonly #ports: readonly number[];

  private constructor(directory: string, host: PluginHost, servers: readonly Server[]) {
    this.#directory = directory;
    this.#host = host;
    this.#servers = servers;
    this.#ports = servers.map((server) => (server.address() as AddressInfo).port);
  }

  static async start(name: AppName): Promise<ServedApp> {
    const directory = await mkdtemp(join(tmpdir(), "servehttp-app-"));
    await mkdir(join(directory, "uploads"));
    for (const [file, bytes] of Object.entries(appFiles)) {
      await writeFile(join(directory, file), bytes);
    }
    const script = fileURLToPath(new URL("../../dist/frameworks/serve-app.js", import.meta.url));
    const command = [process.execPath, script, name, directory];
    const host = createPluginHost({
      plugins: { stream: { command, carrier: "stream" }, mux: { command, carrier: "mux" } },
      context: () => ({ user: "ada" }),
      logger: false,
    });
    const direct = toServer(await createApp(name, directory));
    const bridged = host.attach(createServer());
    await host.start();
    await Promise.all([direct, bridged].map(listening));
    return new ServedApp(directory, host, [direct, bridged]);
  }

  get(target: TargetName): AppAddress {
    const [direct = 0, bridged = 0] = this.#ports;
    const reference = appAddress("direct", direct, "");
    return target === "direct"
      ? reference
      : appAddress(target, bridged, `/plugins/${target}`, reference);
  }

  /** The carrier of each plugin, as the host reports it. */
  get carriers(): readonly unknown[] {
    return this.#host.plugins.map(({ id, carrier }) => [id, carrier]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    await this.#host.stop({ drainMs: 0 });
    await rm(this.#directory, { recursive: true });
  }
}

/** The address of an application. Default: it is its own reference. */
export function appAddress(
  target: TargetName,
  port: number,
  base: string,
  reference?: AppAddress,
): AppAddress {
  const app = { target, port, base, url: `http://127.0.0.1:${port}${base}` };
  return {
    ...app,
    get reference() {
      return reference ?? this;
    },
  };
}

/** The server of Node's that serves the application without servehttp. */
function toServer(handler: PluginHandler): Server {
  if ("listen" in handler) {
    return handler;
  }
  if ("fetch" in handler) {
    return createAdaptorServer(handler as { fetch: (request: Request) => Response }) as Server;
  }
  const app = handler as NodeHandler;
  const server = createServer((request, response) => void app.node(request, response));
  if (app.upgrade !== undefined) {
    server.on("upgrade", (request, socket, head) => app.upgrade?.(request, socket, head));
  }
  return server;
}

function listening(server: Server): Promise<unknown> {
  server.listen(0, "127.0.0.1");
  return once(server, "listening");
}
