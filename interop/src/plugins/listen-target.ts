import type { ListenOptions } from "node:net";

/** Where the host wants the plugin to listen: `unix:/path` or `127.0.0.1:PORT`. */
export function listenTarget(): ListenOptions {
  const address = process.env["SERVEHTTP_ADDRESS"];
  if (!address) {
    throw new Error("SERVEHTTP_ADDRESS is not set: a host starts this");
  }
  if (address.startsWith("unix:")) {
    return { path: address.slice("unix:".length) };
  }
  const { hostname, port } = new URL(`http://${address}`);
  return { host: hostname, port: Number(port) };
}
