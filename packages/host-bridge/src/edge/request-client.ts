/**
 * Who the client of a request is, as the plugin will be told. `request.socket` says who has
 * connected, which is the proxy where one is in front of the host.
 */
export interface RequestClient {
  /**
   * `"ip:port"`, as the connection and trusted proxies tell; port 0 where a proxy told none; empty
   * where nobody knows the address.
   */
  readonly remoteAddress: string;
  /** The scheme in which the client addressed the host, or the first of the trusted proxies. */
  readonly scheme: "http" | "https";
  /** The plugin for which the request is. */
  readonly pluginId: string;
}
