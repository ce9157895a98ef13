import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost, type HostOptions, type PluginHost } from "@servehttp/host-bridge";

import { nodeCommand } from "../targets/node-command.js";

/** A host in this process whose plugins are processes of the lifecycle plugin. */
export class LifecycleHost implements AsyncDisposable {
  readonly host: PluginHost;
  readonly port: number;
  readonly ids: readonly string[];
  readonly #close: () => void;

  private constructor(host: PluginHost, port: number, ids: readonly string[], close: () => void) {
    this.host = host;
    this.port = port;
    this.ids = ids;
    this.#close = close;
  }

  /** Does not start the plugins. */
  static async listen(
    count: number,
    options: Omit<HostOptions, "plugins"> = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<LifecycleHost> {
    const ids = Array.from({ length: count }, (_, index) => `p${index}`);
    const plugin = { command: nodeCommand("plugin-lifecycle"), env };
    const host = createPluginHost({
      logger: false,
      ...options,
      plugins: Object.fromEntries(ids.map((id) => [id, plugin])),
    });
    const server = host.attach(createServer());
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return new LifecycleHost(host, port, ids, () => {
      server.close();
      server.closeAllConnections();
    });
  }

  /** The process of a plugin, which runs. */
  pidOf(id: string): number {
    const pid = this.host.plugins.find((plugin) => plugin.id === id)?.pid;
    if (pid === undefined) {
      throw new Error(`plugin ${id} has no process`);
    }
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    await this.host.stop({ drainMs: 0 });
  }
}
