import { pluginIdBytesMax, targetBytesMax } from "../limits.js";
import { type Refusal, refusal } from "./refusal.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { isUtf8Bytes } from "../syntax/utf8-bytes.js";
import { isValidHost } from "../syntax/valid-host.js";

/** Where a request goes. */
export interface Route {
  readonly kind: "route";
  readonly pluginId: string;
  /**
   * Path and query for the plugin: without the prefix and secret parameters, the rest as it came.
   */
  readonly url: string;
  /** The target as the client sent it, without the secret parameters. */
  readonly requestUri: string;
  /**
   * The authority of a target in absolute form (`GET http://host/path`), which then takes the place
   * of the Host field (RFC 9112, section 3.2.2).
   */
  readonly authority: string | undefined;
}

export interface RouteRules {
  /** In front of the plugin's id: `"/plugins"`, no slash at the end. Empty when ids come first. */
  readonly prefix: string;
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
  const slash = target.charCodeAt(0) === 0x2f;
  const pathAt = slash ? 0 : absolutePathAt(target);
  if (pathAt < 0) {
    return undefined;
  }
  const segmentAt = afterPrefix(target, pathAt, originalTarget, rules.prefix);
  if (segmentAt < 0) {
    return undefined;
  }

  const idAt = segmentAt + 1;
  let idEnd = idAt;
  while (idEnd < target.length && isIdCharacter(target.charCodeAt(idEnd))) {
    idEnd++;
  }
  const delimiter = idEnd < target.length ? target.charCodeAt(idEnd) : 0x3f;
  const pluginId = target.slice(idAt, idEnd);
  if (pluginId === "" && delimiter === 0x3f /* ? */) {
    return undefined;
  }
  if ((delimiter !== 0x2f && delimiter !== 0x3f) || !isPluginId(pluginId)) {
    return refusal(404, "the path names no plugin");
  }

  const rest = target.slice(idEnd);
  const invalid =
    checkTarget(target) ?? (originalTarget === target ? undefined : checkTarget(originalTarget));
  if (invalid !== undefined) {
    return invalid;
  }
  const authority = slash ? undefined : target.slice(target.indexOf("://") + 3, pathAt);
  if (authority !== undefined && (authority === "" || !isValidHost(authority))) {
    return refusal(400, "invalid authority in the request target");
  }
  return {
    kind: "route",
    pluginId,
    url: stripQueryParameters(
      rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`,
      rules.secretParameters,
    ),
    requestUri: stripQueryParameters(originalTarget, rules.secretParameters),
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

/** Where the path of a target in absolute form begins; -1 for any other form (`*`, `host:port`). */
function absolutePathAt(target: string): number {
  const schemeEnd = target.indexOf("://");
  if (schemeEnd !== 4 && schemeEnd !== 5) {
    return -1;
  }
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== "http" && scheme !== "https") {
    return -1;
  }
  for (let at = schemeEnd + 3; at < target.length; at++) {
    const char = target.charCodeAt(at);
    if (char === 0x2f) {
      return at;
    }
    if (char === 0x3f || char === 0x23) {
      return -1;
    }
  }
  return -1;
}

/**
 * Where the "/" in front of the plugin's id stands in the target; -1 where the prefix is not there.
 */
function afterPrefix(
  target: string,
  pathAt: number,
  originalTarget: string,
  prefix: string,
): number {
  // A framework that mounted the host at the prefix took it off: "/plugins/notes/x" arrives as
  // "/notes/x".
  if (prefix !== "" && originalTarget.length > target.length) {
    const path = pathAt === 0 ? target : target.slice(pathAt);
    const mountEnd = originalTarget.length - path.length;
    if (originalTarget.endsWith(path) && originalTarget.endsWith(prefix, mountEnd)) {
      return pathAt;
    }
  }
  const at = pathAt + prefix.length;
  return target.startsWith(prefix, pathAt) && target.charCodeAt(at) === 0x2f ? at : -1;
}

/**
 * Refuses what no request target may hold (RFC 9112, section 3.2): control characters, blanks, a
 * fragment. Refuses bytes above 0x7f that are not UTF-8 as well, because the contract's `url` is
 * text. Everything else passes.
 */
function checkTarget(target: string): Refusal | undefined {
  if (target.length > targetBytesMax) {
    return refusal(414, "the request target is too long");
  }
  let ascii = true;
  for (let at = 0; at < target.length; at++) {
    const char = target.charCodeAt(at);
    if (char <= 0x20 || char === 0x7f || char === 0x23 /* # */) {
      return refusal(400, "a character that no request target may hold");
    }
    if (char > 0x7f) {
      ascii = false;
    }
  }
  if (!ascii && !isUtf8Bytes(target)) {
    return refusal(400, "the request target is not UTF-8");
  }
  return undefined;
}
