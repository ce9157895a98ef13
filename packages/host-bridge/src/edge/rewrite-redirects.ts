/** Where a plugin is whose redirects and cookies are rewritten. */
export interface RedirectRules {
  /** In front of the plugin's own "/", as its client sends it; not empty. */
  readonly basePath: string;
  readonly scheme: "http" | "https";
  /** What clients call the host: the Host field, and what a proxy got as such. */
  readonly hosts: readonly string[];
}

/**
 * Puts the base path in front of a Location that is a path (`/login`) or a URL of the client's own
 * origin. Leaves everything else alone: what has the base path, what is relative, and what leads to
 * another host (`//other`, and `/\other`, which browsers read the same way).
 */
export function rewriteLocation(location: string, rules: RedirectRules): string {
  const { basePath } = rules;
  const originEnd = ownOriginEnd(location, rules);
  const path = location.slice(originEnd);
  if (originEnd === 0 && !/^\/(?![/\\])/.test(path)) {
    return location;
  }
  if (beginsWith(path, basePath)) {
    return location;
  }
  return location.slice(0, originEnd) + basePath + (path.startsWith("/") ? "" : "/") + path;
}

/**
 * Puts the base path in front of the Path of a cookie. A cookie without a Path is the plugin's own
 * by what browsers do; one whose name begins with `__Host-` has to have "/" (RFC 6265bis, section
 * 4.1.3.2), and stays as it is.
 */
export function rewriteCookiePath(setCookie: string, { basePath }: RedirectRules): string {
  if (/^[\t ]*__host-/i.test(setCookie)) {
    return setCookie;
  }
  return setCookie.replaceAll(pathAttribute, (all, name: string, path: string) => {
    if (beginsWith(path.trimEnd(), basePath)) {
      return all;
    }
    // "/plugins/notes/" would leave out the bare "/plugins/notes".
    return name + basePath + (path.trimEnd() === "/" ? path.slice(1) : path);
  });
}

const pathAttribute = /(;[\t ]*path[\t ]*=[\t ]*)(\/[^;]*)/gi;

/** Where the client's own origin ends in a URL; 0 where the URL does not begin with it. */
function ownOriginEnd(location: string, { scheme, hosts }: RedirectRules): number {
  const [origin = "", ofScheme = "", authority = ""] =
    /^(https?):\/\/([^/?#\\]+)/i.exec(location) ?? [];
  const isOwn =
    ofScheme.toLowerCase() === scheme &&
    hosts.some((host) => withoutPort(authority, scheme) === withoutPort(host, scheme));
  return isOwn ? origin.length : 0;
}

/** A host and port in lower case, without the port that the scheme has by default. */
function withoutPort(authority: string, scheme: "http" | "https"): string {
  const port = scheme === "http" ? ":80" : ":443";
  const lower = authority.toLowerCase();
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

/** Whether a path is below the base path, or is it. */
function beginsWith(path: string, basePath: string): boolean {
  return (
    path.startsWith(basePath) &&
    (path.length === basePath.length || "/?#".includes(path.charAt(basePath.length)))
  );
}
