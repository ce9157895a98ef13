/** What crosses the edge between clients and plugins, and what doesn't. */
export interface EdgeOptions {
  /** The host's own secrets, which no plugin is to see. Default: none. */
  readonly strip?: {
    /** Names of cookies, letter by letter. */
    readonly cookies?: readonly string[];
    /** Names of header fields, in any letter case; "_" counts as "-". */
    readonly headers?: readonly string[];
    /** Names of query parameters, letter by letter. They go from the Referer field as well. */
    readonly queryParameters?: readonly string[];
  };
  /**
   * Header names that `identity` may set, in any letter case. A client's fields of these names are always dropped, those that
   * `identity` returned once as well. Names that it returns only for some clients belong here. Default: none.
   */
  readonly identityHeaders?: readonly string[];
  /**
   * X-Forwarded-For, -Host, -Proto and Forwarded. `"replace"`: the client's are dropped (with every other X-Forwarded field
   * and X-Real-IP) and the host's own are set. `"append"`: the client's are believed and continued. `"off"`: they pass as
   * they came. Default: `"replace"`, which trusts nobody.
   */
  readonly forwarded?: "replace" | "append" | "off";
  /**
   * Addresses and ranges of proxies in front of the host, such as `"10.0.0.0/8"`: with `"replace"`, what these send is
   * continued as with `"append"`. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Names of cookies that no plugin's response may set, letter by letter. Default: none. */
  readonly protectedCookies?: readonly string[];
  /** Protocols that a client may upgrade to, in lower case. Default: `["websocket"]`. `h2c` is never one. */
  readonly upgrades?: readonly string[];
}
