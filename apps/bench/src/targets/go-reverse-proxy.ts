import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Child } from "../child.js";
import type { Announcement } from "../programs/announce.js";
import { findOnPath } from "./find-on-path.js";
import { startPlugin } from "./start-plugin.js";
import type { Target } from "./target.js";

const sourceDirectory = fileURLToPath(new URL("../../go-reverse-proxy", import.meta.url));

/** `httputil.ReverseProxy` of Go's standard library, built when it starts. */
export const goReverseProxy: Target = {
  name: "Go ReverseProxy",
  async missing() {
    return (await findOnPath("go")) === undefined ? "install Go (https://go.dev/dl)" : undefined;
  },
  async start(options = {}) {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "servehttp-bench-go-"));
    stack.defer(() => rm(directory, { recursive: true }));
    const program = join(directory, "go-reverse-proxy");
    const go = (await findOnPath("go")) ?? "go";
    const env = { GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
    await new Child("go build", [go, "build", "-C", sourceDirectory, "-o", program, "."], {
      env,
    }).output();
    const plugin = stack.use(await startPlugin("plugin-http", options.pluginExecArgv));
    const host = stack.use(new Child("go-reverse-proxy", [program, plugin.socketPath]));
    const { port = 0 } = await host.json<Announcement>();
    const running = stack.move();
    return {
      host: "127.0.0.1",
      port,
      prefix: "",
      hostPids: [host.pid],
      pluginPids: [plugin.pid],
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};
