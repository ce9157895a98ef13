import type { PluginAddress } from "@servehttp/carrier";
import type { TlsOptions } from "../options/options.js";

/** The address that a checked `url` option names: `http://`, `https://` or `unix:/path`. */
export function pluginAddress(url: string, tls: TlsOptions | undefined): PluginAddress {
  if (url.startsWith("unix:")) {
    return { kind: "unix", path: url.slice("unix:".length) };
  }
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol === "https:") {
    return { kind: "tcp", host, port: Number(port || 443), tls: tls ?? {} };
  }
  return { kind: "tcp", host, port: Number(port || 80) };
}
