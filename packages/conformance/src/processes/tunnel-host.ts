import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createPluginHost } from "@servehttp/host-bridge";
import { Observer } from "../observation/observer.js";

/** The host of the tunnels: `node tunnel-host.js OBSERVATION_SOCKET CARRIER`. */
const [, , observationPath = "", carrier = ""] = process.argv;
const pluginScript = fileURLToPath(new URL("tunnel-plugin.js", import.meta.url));
const host = createPluginHost({
  plugins: {
    tunnels: {
      command: [process.execPath, ...process.execArgv, pluginScript, observationPath],
      carrier: carrier as "mux" | "stream",
    },
  },
});
await host.start();
const server = createServer();
host.attach(server);
server.listen(0, "127.0.0.1");
await once(server, "listening");
await Observer.connect(observationPath, "host", (server.address() as AddressInfo).port);
