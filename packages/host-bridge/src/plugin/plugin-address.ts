import type { ConnectionOptions } from "node:tls";
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
    return { kind: "tcp", host, port: Number(port || 443), tls: nodeTls(tls ?? {}) };
  }
  return { kind: "tcp", host, port: Number(port || 80) };
}

/** Node takes PEM as text. */
function nodeTls({ ca, cert, key, servername }: TlsOptions): ConnectionOptions {
  return {
    ...(ca === undefined ? undefined : { ca: pemText(ca) }),
    ...(cert === undefined ? undefined : { cert: pemText(cert) }),
    ...(key === undefined ? undefined : { key: pemText(key) }),
    ...(servername === undefined ? undefined : { servername }),
  };
}

function pemText(pem: string | Uint8Array): string {
  return typeof pem === "string" ? pem : Buffer.from(pem).toString("latin1");
}
