import { pluginIdBytesMax } from "../limits.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { isValidHost } from "../syntax/valid-host.js";
import { basePathOf, mountPathOf } from "./base-path.js";
import type { Mounts } from "./mounts.js";
import { checkTarget, pathStart } from "./request-target.js";

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

/**
 * Decides which plugin a request is for, by the bytes of its path as they came: nothing is decoded
 * and no dot segment is resolved, so there is no second reading of the path that could name another
 * plugin. What follows the id goes to the plugin byte for byte.
 *
 * Undefined when the target is not under the prefix: then the next middleware gets the request, or
 * the answer is 404.
 *
 * @param target what is left to route: `req.url`. Characters are bytes.
 * @param originalTarget what the client sent, where a framework took a mount path off:
 *   `req.originalUrl`. The prefix may be part of that mount path.
 */
export function routeTarget(
  target: string,
  originalTarget: string,
  rules: RouteRules,
): Route | Refusal | undefined {
  const { mounts, secretParameters } = rules;
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

  const invalid =
    checkTarget(target) ?? (originalTarget === target ? undefined : checkTarget(originalTarget));
  if (invalid !== undefined) {
    return invalid;
  }
  const authority = pathAt === 0 ? undefined : target.slice(target.indexOf("://") + 3, pathAt);
  if (authority !== undefined && (authority === "" || !isValidHost(authority))) {
    return refusal(400, "invalid authority in the request target");
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
    requestUri: stripQueryParameters(originalTarget, secretParameters),
    authority,
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
