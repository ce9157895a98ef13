import { join } from "node:path";

import { Child } from "../child.js";
import { buildGo, missingGo } from "./go-program.js";
import { startGoReverseProxy } from "./go-reverse-proxy.js";
import { startServehttp } from "./servehttp.js";
import type { Target } from "./target.js";

/** Ours with a plugin on the Go SDK, built when it starts. */
export function servehttpToGo(carrier: "mux" | "stream"): Target {
  return {
    name: `${carrier} to Go`,
    namedOnly: true,
    missing: missingGo,
    async start(options = {}) {
      await using stack = new AsyncDisposableStack();
      const plugin = stack.use(await buildGo("go-plugin"));
      const host = stack.use(await startServehttp(carrier, [plugin.path], options));
      const running = stack.move();
      return { ...host, [Symbol.asyncDispose]: () => running.disposeAsync() };
    },
  };
}

/** The same handler as a server on a unix socket, with `httputil.ReverseProxy` in front of it. */
export const goReverseProxyToGo: Target = {
  name: "Go ReverseProxy to Go",
  namedOnly: true,
  missing: missingGo,
  async start() {
    await using stack = new AsyncDisposableStack();
    const built = stack.use(await buildGo("go-plugin"));
    const socketPath = join(built.directory, "plugin.sock");
    const plugin = stack.use(new Child("go-plugin", [built.path, "--direct", socketPath]));
    await plugin.line();
    return await startGoReverseProxy(stack, socketPath, plugin.pid);
  },
};
