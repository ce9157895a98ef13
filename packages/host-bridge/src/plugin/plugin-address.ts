import type { PluginAddress } from "@servehttp/carrier";
import type { FoundAddress } from "../discovery/address-source.js";
import type { TlsOptions } from "../options/options.js";

/** Where a checked url leads: `http://`, `https://` or `unix:/path`. */
export function pluginAddress(
  { url, serverName }: Pick<FoundAddress, "url" | "serverName">,
  tls: TlsOptions | undefined,
): PluginAddress {
  if (url.startsWith("unix:")) {
    return { kind: "unix", path: url.slice("unix:".length) };
  }
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol === "https:") {
    return {
      kind: "tcp",
      host,
      port: Number(port || 443),
      tls: { ...(serverName && { servername: serverName }), ...tls },
    };
  }
  return { kind: "tcp", host, port: Number(port || 80) };
}
