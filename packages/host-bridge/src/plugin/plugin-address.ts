import type { HostTls, PluginAddress } from "@servehttp/carrier";
import type { FoundAddress } from "../discovery/address-source.js";

/** Where a checked url leads: `http://`, `https://` or `unix:/path`. `tls` opens what is https. */
export function pluginAddress(
  { url, serverName }: Pick<FoundAddress, "url" | "serverName">,
  tls: HostTls,
): PluginAddress {
  if (url.startsWith("unix:")) {
    return { kind: "unix", path: url.slice("unix:".length) };
  }
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol === "https:") {
    return { kind: "tcp", host, port: Number(port || 443), tls: tls.withServername(serverName) };
  }
  return { kind: "tcp", host, port: Number(port || 80) };
}
