/** What crosses the edge between clients and plugins, and what doesn't. */
export interface EdgeOptions {
  /** The host's own secrets, which no plugin may see. Default: none. */
  readonly strip?: {
    /** Names of cookies, case-sensitive. */
    readonly cookies?: readonly string[];
    /** Names of header fields, in any letter case; "_" counts as "-". */
    readonly headers?: readonly string[];
    /**
     * Names of query parameters, case-sensitive. They are removed from the Referer field as well.
     */
    readonly queryParameters?: readonly string[];
  };
  /**
   * Header names that `identity` may set, in any letter case. A client's fields of these names are
   * always dropped. So are fields of a name that `identity` has returned before. List the names
   * here that it returns only for some clients. Default: none.
   */
  readonly identityHeaders?: readonly string[];
  /**
   * What becomes of X-Forwarded-For, -Host, -Proto and Forwarded. `"replace"`: the client's are
   * dropped, with every other X-Forwarded field and X-Real-IP, and the host sets its own.
   * `"append"`: the client's are trusted, and the host adds to them. `"off"`: they pass as they
   * came. Default: `"replace"`, which trusts nobody.
   */
  readonly forwarded?: "replace" | "append" | "off";
  /**
   * Addresses and ranges of proxies in front of the host, such as `"10.0.0.0/8"`. With `"replace"`,
   * their fields are treated as with `"append"`. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Names of cookies that no plugin's response may set, case-sensitive. Default: none. */
  readonly protectedCookies?: readonly string[];
  /**
   * Protocols that a client may upgrade to, in lower case. Default: `["websocket"]`. `h2c` is never
   * one.
   */
  readonly upgrades?: readonly string[];
}
