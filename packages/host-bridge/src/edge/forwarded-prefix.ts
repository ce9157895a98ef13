import { basePathBytesMax, type FieldList } from "@servehttp/contract";
import { listElements } from "../syntax/connection-options.js";
import { type Refusal, refusal } from "./refusal.js";

/** What the host knows by itself of where a plugin is. */
interface OwnPath {
  readonly basePath: string;
  /** The part of it whose place X-Forwarded-Prefix takes. */
  readonly publicPath: string;
}

/**
 * The base path of a plugin behind proxies, each of which has told by X-Forwarded-Prefix what it has
 * removed in front, the outermost proxy first.
 *
 * @param received the forwarding fields that came
 * @param elementsMax how many of the list's elements count, from its end
 */
export function forwardedBasePath(
  received: FieldList,
  own: OwnPath,
  elementsMax: number,
): string | Refusal {
  const paths: string[] = [];
  for (let at = 0; at + 1 < received.length; at += 2) {
    if ((received[at] as string).toLowerCase() === "x-forwarded-prefix") {
      paths.push(...listElements(received[at + 1] as string));
    }
  }
  if (paths.length === 0) {
    return own.basePath;
  }
  const believed = paths.slice(Math.max(0, paths.length - elementsMax));
  if (!believed.every((path) => pathPattern.test(path))) {
    return refusal(400, "an X-Forwarded-Prefix that is no path");
  }
  const prefix = believed.map((path) => (path.endsWith("/") ? path.slice(0, -1) : path)).join("");
  const basePath = prefix + own.basePath.slice(own.publicPath.length);
  return basePath.length > basePathBytesMax
    ? refusal(400, "an X-Forwarded-Prefix that is too long")
    : basePath;
}

/**
 * Segments of characters that a path may hold (RFC 3986, section 3.3), none of them empty or a dot
 * segment, so that nothing that begins with it leads to another host.
 */
const pathPattern = /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+;=:@%-]+)+\/?)$/;
