import { type Refusal, refusal } from "../edge/refusal.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { mountPathOf } from "./base-path.js";
import type { Mount, Mounts } from "./mounts.js";
import { authorityOf, checkTargets, pathAndQuery } from "./request-target.js";
import type { Route, RouteRules } from "./route.js";

/**
 * Routes a request for the host name of a plugin, which is at the root there: it gets the whole path,
 * also what a framework has removed. Undefined for every other host. The parameters are those of
 * `routeTarget`.
 */
export function routeByHost(
  target: string,
  originalTarget: string,
  { mounts, secretParameters }: RouteRules,
  rawHeaders: readonly string[],
): Route | Refusal | undefined {
  const path = pathAndQuery(target);
  if (path === undefined) {
    return undefined;
  }
  const mount = mountByHost(target, rawHeaders, mounts);
  if (mount === undefined || "status" in mount) {
    return mount;
  }
  const { pluginId, basePath, fullPath } = mount;
  return (
    checkTargets(target, originalTarget) ?? {
      kind: "route",
      pluginId,
      url: stripQueryParameters(mountPathOf(path, originalTarget) + path, secretParameters),
      basePath,
      fullPath,
      rewritesRedirects: false,
      needsSlash: false,
      requestUri: stripQueryParameters(originalTarget, secretParameters),
      authority: authorityOf(target),
    }
  );
}

/**
 * The plugin that has the host name for which a request is. A target in absolute form decides over
 * the Host field (RFC 9112, section 3.2.2). Refuses a request that names two hosts, one of which is
 * a plugin's: whoever reads the other one would take the request for somebody else's.
 */
function mountByHost(
  target: string,
  rawHeaders: readonly string[],
  mounts: Mounts,
): Mount | Refusal | undefined {
  const authority = authorityOf(target);
  if (authority !== undefined) {
    return mounts.byHost(authority);
  }
  let host: string | undefined;
  let mount: Mount | undefined;
  let differ = false;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1] as string;
    if (isHostField(rawHeaders[at] as string) && value !== host) {
      differ = host !== undefined;
      host ??= value;
      mount ??= mounts.byHost(value);
    }
  }
  return differ && mount !== undefined ? refusal(400, "more than one host") : mount;
}

function isHostField(name: string): boolean {
  return name.length === 4 ? name.toLowerCase() === "host" : name === ":authority";
}
