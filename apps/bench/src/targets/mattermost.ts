import { childrenOf } from "@servehttp/testkit";

import { Child } from "../child.js";
import type { Announcement } from "../programs/announce.js";
import { buildGo, missingGo } from "./go-program.js";
import { runningTarget } from "./running-target.js";
import type { Target } from "./target.js";

/** Mattermost's `ServeHTTP` hook, with the handler of the plugin on the Go SDK. */
export const mattermost: Target = {
  name: "Mattermost",
  namedOnly: true,
  missing: missingGo,
  async start() {
    await using stack = new AsyncDisposableStack();
    const { path, directory } = stack.use(await buildGo("go-mattermost"));
    const host = stack.use(new Child("mattermost host", [path, directory]));
    const { port = 0 } = await host.json<Announcement>();
    return runningTarget(stack, {
      port,
      prefix: "",
      hostPids: [host.pid],
      pluginPids: childrenOf(host.pid, "plugin"),
    });
  },
};
