import { Child } from "../child.js";
import type { Announcement } from "../programs/announce.js";
import { buildGo, missingGo } from "./go-program.js";
import { runningTarget } from "./running-target.js";
import type { Target } from "./target.js";

/**
 * AvalancheGo's `ghttp`, with the handler of the plugin on the Go SDK. By itself it carries a
 * request as one message each way; as streams it does HTTP/2 and upgrades.
 */
export function ghttp(how?: "streaming"): Target {
  return {
    name: how === undefined ? "ghttp" : `ghttp ${how}`,
    namedOnly: true,
    missing: missingGo,
    async start() {
      await using stack = new AsyncDisposableStack();
      const { path } = stack.use(await buildGo("go-ghttp"));
      const plugin = stack.use(new Child("ghttp plugin", [path]));
      const { address } = await plugin.json<{ address: string }>();
      const flags = how === undefined ? [] : [`--${how}`];
      const host = stack.use(new Child("ghttp host", [path, address, ...flags]));
      const { port = 0 } = await host.json<Announcement>();
      return runningTarget(stack, {
        port,
        prefix: "",
        hostPids: [host.pid],
        pluginPids: [plugin.pid],
      });
    },
  };
}
