import { Child } from "../child.js";
import type { Announcement } from "../programs/announce.js";
import { buildGo, missingGo } from "./go-program.js";
import { startPlugin } from "./start-plugin.js";
import { runningTarget } from "./running-target.js";
import type { RunningTarget, Target } from "./target.js";

/** `httputil.ReverseProxy` of Go's standard library, built when it starts. */
export const goReverseProxy: Target = {
  name: "Go ReverseProxy",
  missing: missingGo,
  async start(options = {}) {
    await using stack = new AsyncDisposableStack();
    const plugin = stack.use(await startPlugin("plugin-http", options.pluginExecArgv));
    return await startGoReverseProxy(stack, plugin.socketPath, plugin.pid);
  },
};

/**
 * Builds and starts the proxy in front of a plugin's socket. The target takes over what `stack`
 * has to end.
 */
export async function startGoReverseProxy(
  stack: AsyncDisposableStack,
  socketPath: string,
  pluginPid: number,
): Promise<RunningTarget> {
  const program = stack.use(await buildGo("go-reverse-proxy"));
  const host = stack.use(new Child("go-reverse-proxy", [program.path, socketPath]));
  const { port = 0 } = await host.json<Announcement>();
  return runningTarget(stack, {
    port,
    prefix: "",
    hostPids: [host.pid],
    pluginPids: [pluginPid],
  });
}
