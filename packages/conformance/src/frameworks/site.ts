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
import { type AppName, createApp } from "./apps/create-app.js";

/** How an application is reached: by a server of Node's in this process, or as a plugin. */
export type Way = "direct" | "stream" | "mux";

/** An application that can be called. */
export interface Site {
  readonly way: Way;
  readonly port: number;
  /** What stands in front of the application's own paths: `""` or `"/plugins/…"`. */
  readonly base: string;
  /** `"http://127.0.0.1:port/plugins/…"`, without a slash at the end. */
  readonly url: string;
  /** The same application, served by Node; itself where it is that. */
  readonly reference: Site;
}

/** What the applications find in their directory. */
export const siteFiles = {
  "text.txt": seededBytes("a text", 100_000),
  "big.bin": seededBytes("a big file", 20_971_520),
} as const;

/** One application, reached in every way. */
export class Sites implements AsyncDisposable {
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

  static async start(name: AppName): Promise<Sites> {
    const directory = await mkdtemp(join(tmpdir(), "servehttp-site-"));
    await mkdir(join(directory, "uploads"));
    for (const [file, octets] of Object.entries(siteFiles)) {
      await writeFile(join(directory, file), octets);
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
    return new Sites(directory, host, [direct, bridged]);
  }

  get(way: Way): Site {
    const [direct = 0, bridged = 0] = this.#ports;
    const reference = siteAt("direct", direct, "");
    return way === "direct" ? reference : siteAt(way, bridged, `/plugins/${way}`, reference);
  }

  /** The carriers that the plugins really run on. */
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

/** A site; without a reference it is its own. */
export function siteAt(way: Way, port: number, base: string, reference?: Site): Site {
  const site = { way, port, base, url: `http://127.0.0.1:${port}${base}` };
  return {
    ...site,
    get reference() {
      return reference ?? this;
    },
  };
}

/** What serves the application without us. */
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
