import { targetBytesMax } from "../limits.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import { isUtf8Bytes } from "../syntax/utf8-bytes.js";
import { isValidHost } from "../syntax/valid-host.js";

/**
 * Where the path of a request target begins; -1 for a target without one (`*`, `host:port`,
 * `http://host`).
 */
export function pathStart(target: string): number {
  if (target.charCodeAt(0) === 0x2f) {
    return 0;
  }
  const end = authorityEnd(target);
  return target.charCodeAt(end) === 0x2f ? end : -1;
}

/** The authority of a target in absolute form; undefined for any other form. */
export function authorityOf(target: string): string | undefined {
  const end = target.charCodeAt(0) === 0x2f ? -1 : authorityEnd(target);
  return end < 0 ? undefined : target.slice(target.indexOf("://") + 3, end);
}

/**
 * Path and query of a target. The path of `http://host?query` is "/" (RFC 9110, section 4.2.3).
 * Undefined for a target that has neither (`*`, `host:port`).
 */
export function pathAndQuery(target: string): string | undefined {
  if (target.charCodeAt(0) === 0x2f) {
    return target;
  }
  const end = authorityEnd(target);
  if (end < 0) {
    return undefined;
  }
  return target.charCodeAt(end) === 0x2f ? target.slice(end) : `/${target.slice(end)}`;
}

/** Where the authority of a target in absolute form ends; -1 for any other form. */
function authorityEnd(target: string): number {
  const schemeEnd = target.indexOf("://");
  if (schemeEnd !== 4 && schemeEnd !== 5) {
    return -1;
  }
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== "http" && scheme !== "https") {
    return -1;
  }
  let at = schemeEnd + 3;
  while (at < target.length && !"/?#".includes(target.charAt(at))) {
    at++;
  }
  return at;
}

/** Refuses a request whose target, as it came or as it is left to route, can't be one. */
export function checkTargets(target: string, originalTarget: string): Refusal | undefined {
  const invalid =
    checkTarget(target) ?? (originalTarget === target ? undefined : checkTarget(originalTarget));
  if (invalid !== undefined) {
    return invalid;
  }
  const authority = authorityOf(target);
  return authority !== undefined && (authority === "" || !isValidHost(authority))
    ? refusal(400, "invalid authority in the request target")
    : undefined;
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
