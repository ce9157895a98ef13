import { childrenOf } from "@servehttp/testkit";
import { Child } from "../child.js";
import { nodeCommand, nodeFlags, programPath } from "./node-command.js";
import { runningTarget } from "./running-target.js";
import type { RunningTarget, Target } from "./target.js";

const command = new URL("bin.js", import.meta.resolve("servehttp")).pathname;

/** Ours, by the command: a supervisor hands connections to workers, each with a host. */
export function servehttpWorkers(count: number): Target {
  return {
    name: `mux with ${count} workers`,
    namedOnly: true,
    missing: () =>
      Promise.resolve(
        process.platform === "linux" ? undefined : "its processes are found by Linux's /proc",
      ),
    start: () => start(count),
  };
}

async function start(count: number): Promise<RunningTarget> {
  await using stack = new AsyncDisposableStack();
  const plugin = nodeCommand("plugin-servehttp").join(" ");
  const flags = ["--plugin", `bench=${plugin}`, "--port", "0", "--log-level", "silent"];
  const program = ["node", ...nodeFlags, command, ...flags, "--workers", String(count)];
  const host = stack.use(new Child("host with workers", program));
  const port = Number(/^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(await host.line())?.[1]);
  const plugins = await host.line();
  if (!plugins.includes("READY")) {
    throw new Error(`the plugin does not start: ${plugins}`);
  }
  return runningTarget(stack, {
    port,
    prefix: "/plugins/bench",
    hostPids: [host.pid, ...childrenOf(host.pid, "worker-bin")],
    pluginPids: childrenOf(host.pid, programPath("plugin-servehttp")),
  });
}
