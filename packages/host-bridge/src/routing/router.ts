import { pluginIdBytesMax } from "../limits.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { basePathOf, mountPathOf } from "./base-path.js";
import { routeByHost } from "./host-route.js";
import { authorityOf, checkTargets, pathStart } from "./request-target.js";
import type { Route, RouteRules } from "./route.js";

/**
 * Decides which plugin a request is for, by a host name of the plugin's own, or else by the bytes of
 * its path as they came: nothing is decoded and no dot segment is resolved, so there is no second
 * reading of the path that could name another plugin. What follows the id goes to the plugin byte
 * for byte.
 *
 * Undefined when the target is not under the prefix: then the next middleware gets the request, or
 * the answer is 404.
 *
 * @param target what is left to route: `req.url`. Characters are bytes.
 * @param originalTarget what the client sent, where a framework took a mount path off:
 *   `req.originalUrl`. The prefix may be part of that mount path.
 * @param rawHeaders as Node gives them: name, value, name, value; `:authority` of HTTP/2 among them
 */
export function routeTarget(
  target: string,
  originalTarget: string,
  rules: RouteRules,
  rawHeaders: readonly string[],
): Route | Refusal | undefined {
  const { mounts, secretParameters } = rules;
  const byHost = mounts.hasHosts
    ? routeByHost(target, originalTarget, rules, rawHeaders)
    : undefined;
  if (byHost !== undefined) {
    return byHost;
  }
  const pathAt = pathStart(target);
  if (pathAt < 0) {
    return undefined;
  }
  const path = pathAt === 0 ? target : target.slice(pathAt);
  const mountPath = originalTarget === target ? "" : mountPathOf(path, originalTarget);
  const segmentAt = afterPrefix(path, mountPath, mounts.prefix);
  if (segmentAt < 0) {
    return undefined;
  }

  const idAt = segmentAt + 1;
  let idEnd = idAt;
  while (idEnd < path.length && isIdCharacter(path.charCodeAt(idEnd))) {
    idEnd++;
  }
  const delimiter = idEnd < path.length ? path.charCodeAt(idEnd) : 0x3f;
  const pluginId = path.slice(idAt, idEnd);
  if (pluginId === "" && delimiter === 0x3f /* ? */) {
    return undefined;
  }
  if ((delimiter !== 0x2f && delimiter !== 0x3f) || !isPluginId(pluginId)) {
    return refusal(404, "the path names no plugin");
  }

  const invalid = checkTargets(target, originalTarget);
  if (invalid !== undefined) {
    return invalid;
  }
  const mount = mounts.get(pluginId);
  const basePath = basePathOf(mount, mounts.publicPath, path, idEnd, mountPath);
  if (typeof basePath !== "string") {
    return basePath;
  }
  const rest = path.slice(idEnd);
  const ownUrl = rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`;
  return {
    kind: "route",
    pluginId,
    url: stripQueryParameters(mount.fullPath ? basePath + rest : ownUrl, secretParameters),
    basePath,
    fullPath: mount.fullPath,
    rewritesRedirects: mount.rewritesRedirects,
    needsSlash: mount.redirectsToSlash && ownUrl !== rest,
    requestUri: stripQueryParameters(originalTarget, secretParameters),
    authority: authorityOf(target),
  };
}

/**
 * Whether a name can be a plugin's id: `[A-Za-z0-9_.-]+`, at most 128 bytes, neither "." nor "..".
 */
export function isPluginId(name: string): boolean {
  if (name === "" || name === "." || name === ".." || name.length > pluginIdBytesMax) {
    return false;
  }
  for (let at = 0; at < name.length; at++) {
    if (!isIdCharacter(name.charCodeAt(at))) {
      return false;
    }
  }
  return true;
}

function isIdCharacter(char: number): boolean {
  return (
    (char >= 0x61 && char <= 0x7a) ||
    (char >= 0x41 && char <= 0x5a) ||
    (char >= 0x30 && char <= 0x39) ||
    char === 0x5f ||
    char === 0x2e ||
    char === 0x2d
  );
}

/**
 * Where the "/" in front of the plugin's id stands in the path; -1 where the prefix is not there.
 */
function afterPrefix(path: string, mountPath: string, prefix: string): number {
  // A framework that mounted the host at the prefix took it off: "/plugins/notes/x" arrives as
  // "/notes/x".
  if (prefix !== "" && mountPath.endsWith(prefix)) {
    return 0;
  }
  return path.startsWith(prefix) && path.charCodeAt(prefix.length) === 0x2f ? prefix.length : -1;
}
