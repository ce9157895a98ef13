import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { type PluginHandler, type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { TemporaryDirectory } from "@servehttp/testkit";
import type { NodeServer } from "../client/node-types.js";
import { createPluginHost, type PluginHost } from "../create-plugin-host.js";
import type { HostOptions, SharedPluginOptions, UrlPluginOptions } from "../options/options.js";

/** What a bridge is made of beside its plugin. */
export interface BridgeOptions {
  /** Of the host, but for its plugins. */
  readonly host?: Omit<HostOptions, "plugins">;
  /** Of the one plugin, `notes`. */
  readonly plugin?: SharedPluginOptions & Pick<UrlPluginOptions, "protocol">;
  /** The server that the host is attached to. Default: one of `node:http`. */
  readonly server?: NodeServer;
  /** Called before the host is attached: for middleware and listeners that are there first. */
  readonly wire?: (server: NodeServer, host: PluginHost) => void;
  /** False: `wire` has connected host and server itself. */
  readonly attach?: boolean;
}

/** A plugin, its host and a server, all in this process, on real sockets. */
export class Bridge implements AsyncDisposable {
  readonly plugin: RunningPlugin;
  readonly host: PluginHost;
  readonly server: NodeServer;
  readonly #directory: TemporaryDirectory;

  private constructor(
    plugin: RunningPlugin,
    host: PluginHost,
    server: NodeServer,
    directory: TemporaryDirectory,
  ) {
    this.plugin = plugin;
    this.host = host;
    this.server = server;
    this.#directory = directory;
  }

  static async start(handler: PluginHandler, options: BridgeOptions = {}): Promise<Bridge> {
    const directory = await TemporaryDirectory.make();
    const plugin = await servePlugin(handler, {
      address: `unix:${directory.socketPath}`,
      logger: silent,
      drainMs: 0,
    });
    const host = createPluginHost({
      logger: false,
      ...options.host,
      plugins: { notes: { url: plugin.address, ...options.plugin } },
    });
    await host.start();
    const server: NodeServer = options.server ?? createServer();
    options.wire?.(server, host);
    if (options.attach !== false) {
      host.attach(server);
    }
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Bridge(plugin, host, server, directory);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Of the one plugin. */
  get inFlight(): number {
    return this.host.plugins[0]?.inFlight ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    (this.server as Partial<Server>).closeAllConnections?.();
    await this.host.stop({ drainMs: 0 });
    await this.plugin.close();
    await this.#directory[Symbol.asyncDispose]();
  }
}

const silent = {
  error(): void {},
  warn(): void {},
};
