import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost, type HostOptions, type PluginHost } from "@servehttp/host-bridge";
import { type PluginHandler, servePlugin } from "@servehttp/plugin-sdk";
import { TemporaryDirectory } from "@servehttp/testkit";

const silent = { warn: () => undefined, error: () => undefined };

/** A host with the plugin `notes`, which runs in this process, and a server in front of it. */
export class RunningHost implements AsyncDisposable {
  readonly host: PluginHost;
  readonly url: string;
  readonly #ends: readonly (() => unknown)[];

  private constructor(host: PluginHost, url: string, ends: readonly (() => unknown)[]) {
    this.host = host;
    this.url = url;
    this.#ends = ends;
  }

  static async start(handler: PluginHandler, options: HostOptions = {}): Promise<RunningHost> {
    const directory = await TemporaryDirectory.make();
    const plugin = await servePlugin(handler, {
      address: `unix:${directory.socketPath}`,
      logger: silent,
      drainMs: 0,
    });
    const host = createPluginHost({
      logger: false,
      ...options,
      plugins: { notes: { url: plugin.address }, ...options.plugins },
    });
    await host.start();
    const server: Server = createServer();
    host.attach(server).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const ends = [
      () => host.stop({ drainMs: 0 }),
      () => plugin.close(),
      () => server.closeAllConnections(),
      () => void server.close(),
      () => directory[Symbol.asyncDispose](),
    ];
    return new RunningHost(host, `http://127.0.0.1:${port}/plugins/notes`, ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) {
      await end();
    }
  }
}
