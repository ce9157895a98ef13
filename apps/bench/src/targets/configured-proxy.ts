import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freePort } from "@servehttp/testkit";

import { Child } from "../child.js";
import { processTree } from "../process-usage.js";
import { findOnPath } from "./find-on-path.js";
import { acceptsConnections } from "./accepts-connections.js";
import { type RunningPlugin, startPlugin } from "./start-plugin.js";
import { runningTarget } from "./running-target.js";
import type { StartOptions, Target } from "./target.js";

/** Where a configuration finds what it talks about. */
export interface ProxyPlaces {
  readonly directory: string;
  readonly socketPath: string;
  readonly port: number;
}

/** A proxy that is a program with a configuration file, from a Debian package. */
export interface ConfiguredProxy {
  readonly name: string;
  readonly program: string;
  readonly aptPackage: string;
  configure(places: ProxyPlaces): string;
  command(program: string, configPath: string, places: ProxyPlaces): string[];
}

/** The proxy in front of the bench's own `node:http` server. */
export function configuredProxy(proxy: ConfiguredProxy): Target {
  return proxyInFrontOf(proxy, ({ pluginExecArgv }) => startPlugin("plugin-http", pluginExecArgv));
}

/** The proxy in front of any server on a unix socket. */
export function proxyInFrontOf(
  proxy: ConfiguredProxy,
  start: (options: StartOptions) => Promise<RunningPlugin>,
): Target {
  return {
    name: proxy.name,
    async missing() {
      const found = await findOnPath(proxy.program);
      return found === undefined ? `apt-get install ${proxy.aptPackage}` : undefined;
    },
    async start(options = {}) {
      const program = (await findOnPath(proxy.program)) ?? proxy.program;
      await using stack = new AsyncDisposableStack();
      const plugin = stack.use(await start(options));
      const places = { ...plugin, port: await freePort() };
      const configPath = join(plugin.directory, "proxy.conf");
      await writeFile(configPath, proxy.configure(places));
      const host = stack.use(new Child(proxy.name, proxy.command(program, configPath, places)));
      await acceptsConnections(places.port);
      const hostPids = await processTree(host.pid);
      return runningTarget(stack, {
        port: places.port,
        prefix: "",
        hostPids,
        pluginPids: [plugin.pid],
      });
    },
  };
}
