import { isIPv4, isIPv6 } from "node:net";
import { isHostName } from "../syntax/host-name.js";

/** A name in DNS under which instances of a plugin are found. */
export type NamingUrl = {
  readonly name: string;
  /** The DNS server to ask, `"10.0.0.2:53"`. Undefined: the system's. */
  readonly server: string | undefined;
} & (
  | {
      /** The addresses of a host, all at one port. */
      readonly kind: "dns";
      readonly port: number;
    }
  /** The targets of a service; its records tell ports. */
  | { readonly kind: "srv" }
);

/**
 * Reads `dns:///host:port` or `srv:///_service._proto.name`, as gRPC's naming has it
 * (doc/naming.md): what stands between the slashes is the DNS server to ask.
 *
 * @returns undefined where it is no such URL
 */
export function readNamingUrl(url: string): NamingUrl | undefined {
  const [, kind, server, endpoint] = /^(dns|srv):\/\/([^/]*)\/([^/]*)$/i.exec(url) ?? [];
  if (kind === undefined || endpoint === undefined || !(server === "" || isServer(server))) {
    return undefined;
  }
  const asked = server === "" ? undefined : server;
  if (kind.toLowerCase() === "dns") {
    const [, name = "", port] = /^(.+):(\d{1,5})$/.exec(endpoint) ?? [];
    const isName = isDnsName(name) && !isIPv4(name);
    return isName && isPort(Number(port))
      ? { kind: "dns", name, port: Number(port), server: asked }
      : undefined;
  }
  return /^_[^.]+\._[^.]+\../.test(endpoint) && isDnsName(endpoint)
    ? { kind: "srv", name: endpoint, server: asked }
    : undefined;
}

/** A name, also with the dot of the root, which says that it is whole. */
function isDnsName(name: string): boolean {
  return isHostName(name.replace(/\.$/, ""));
}

/** An address, in brackets where it is one of IPv6, and perhaps a port. */
function isServer(server = ""): boolean {
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(server) ?? [];
  const isAddress = six === undefined ? isIPv4(four ?? "") : isIPv6(six);
  return isAddress && (port === undefined || isPort(Number(port)));
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
