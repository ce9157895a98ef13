import type { Mounts } from "./mounts.js";

/** Where a request goes. */
export interface Route {
  readonly kind: "route";
  readonly pluginId: string;
  /**
   * Path and query for the plugin: without `basePath`, unless the plugin gets the whole path, and
   * without secret parameters, the rest as it came.
   */
  readonly url: string;
  /** In front of the plugin's own "/", as the client sends it, no slash at the end. */
  readonly basePath: string;
  /** `url` begins with `basePath`. */
  readonly fullPath: boolean;
  /** The plugin's redirects and cookies get the base path. */
  readonly rewritesRedirects: boolean;
  /** The client is to ask again for the base path with a slash, if it can follow a redirect. */
  readonly needsSlash: boolean;
  /** The target as the client sent it, without the secret parameters. */
  readonly requestUri: string;
  /**
   * The authority of a target in absolute form (`GET http://host/path`), which then takes the place
   * of the Host field (RFC 9112, section 3.2.2).
   */
  readonly authority: string | undefined;
}

export interface RouteRules {
  readonly mounts: Mounts;
  /** By `parameterNames`. */
  readonly secretParameters: ReadonlySet<string>;
}
