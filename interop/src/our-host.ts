import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost, type HostOptions, type PluginHost } from "@servehttp/host-bridge";

/** Our host, on a free port. */
export class OurHost implements AsyncDisposable {
  readonly host: PluginHost;
  readonly #server: Server;

  private constructor(host: PluginHost, server: Server) {
    this.host = host;
    this.#server = server;
  }

  static async start(plugins: HostOptions["plugins"]): Promise<OurHost> {
    const host = createPluginHost({ plugins, logger: false });
    await host.start();
    const server = createServer();
    host.attach(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new OurHost(host, server);
  }

  /** Where clients find a plugin. */
  originOf(plugin: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/plugins/${plugin}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.host.stop({ drainMs: 0 });
  }
}
