import { comparableName, hopByHopNames, isToken } from "@servehttp/contract";
import { z } from "zod";
import { type Given, listOf, oneOf, shape, text } from "./option-kinds.js";
import { isProxyRange } from "./trusted-proxies.js";

const framingNames: ReadonlySet<string> = new Set(["host", "content-length", "expect"]);

const cookieNames = listOf(text("a cookie's name", isToken), "an array of cookie names").optional();

const headerNames = listOf(
  text("the name of a header that doesn't frame or route", (name) => {
    const comparable = comparableName(name);
    return isToken(name) && !hopByHopNames.has(comparable) && !framingNames.has(comparable);
  }),
  "an array of header names",
).optional();

/** The keys of `edge.strip`. */
const stripKeys = {
  /** Names of cookies, case-sensitive. */
  cookies: cookieNames,
  /** Names of header fields, in any letter case; "_" counts as "-". */
  headers: headerNames,
  /** Names of query parameters, case-sensitive. They are removed from the Referer field as well. */
  queryParameters: listOf(
    text("a parameter's name, not empty", (name) => name !== ""),
    "an array of parameter names",
  ).optional(),
};

/** What a plugin never sees of a request. */
export interface StripOptions extends Given<typeof stripKeys> {}

/** The keys of `edge`. Their defaults are with `EdgePolicy`. */
const edgeKeys = {
  /** The host's own secrets, which no plugin may see. Default: none. */
  strip: shape(stripKeys).optional(),
  /**
   * Header names that `identity` may set, in any letter case. A client's fields of these names are
   * always dropped. So are fields of a name that `identity` has returned before. List the names
   * here that it returns only for some clients. Default: none.
   */
  identityHeaders: headerNames,
  /**
   * What becomes of X-Forwarded-For, -Host, -Proto and Forwarded. `"replace"`: the client's are
   * dropped, with every other X-Forwarded field and X-Real-IP, and the host sets its own.
   * `"append"`: the client's pass, those that `forwardedBy` names, and the host adds to them.
   * `"off"`: they pass as they came. None of these says who the client is: that is for
   * `trustedProxies`. Default: `"replace"`, which trusts nobody but those.
   */
  forwarded: oneOf("replace", "append", "off").optional(),
  /**
   * The proxies in front of the host: addresses, ranges such as `"10.0.0.0/8"`, and `"unix"` for
   * whoever connects to a unix socket. Such a proxy says who the client is: its word becomes
   * `request.remoteAddress` and `request.scheme`, and with them fetch's `request.url` and Node's
   * `req.socket`. Where it names another trusted proxy, the word of that one counts as well. The
   * fields that `forwarded` is about then tell the way from the client on; what a client wrote
   * itself is dropped. Default: none.
   */
  trustedProxies: listOf(
    text('an IP address, a range such as "10.0.0.0/8", or "unix"', isProxyRange),
    'an array of addresses, ranges such as "10.0.0.0/8", and "unix"',
  ).optional(),
  /**
   * Which fields the proxies in front of the host set. `"x-forwarded"`: X-Forwarded-For, -Proto and
   * -Host. `"forwarded"`: Forwarded (RFC 7239). Those of the other kind are dropped, because most
   * proxies pass on what a client wrote there; the plugin gets them made from the ones that count.
   * Default: `"x-forwarded"`.
   */
  forwardedBy: oneOf("x-forwarded", "forwarded").optional(),
  /**
   * False: informational responses of plugins (103 Early Hints, 102) are dropped, for proxies in
   * front of the host that take them for the answer or for a fault. A 100 for which a client waits
   * goes out all the same. Default: true.
   */
  informational: z.boolean("true or false").optional(),
  /**
   * Whose `traceparent`, `tracestate` and `baggage` count (W3C Trace Context, W3C Baggage). True:
   * every client's, for a host that only your own programs reach. False: nobody's. The plugin gets
   * those that count, and where the host traces, its own span goes on from there. Others are dropped:
   * a stranger would choose the ids of your traces and which of them are recorded, and plugins would
   * take its baggage for yours. Calls of plugins always count. Default: those of `trustedProxies`.
   */
  trustTraceContext: z.boolean("true or false").optional(),
  /** Names of cookies that no plugin's response may set, case-sensitive. Default: none. */
  protectedCookies: cookieNames,
  /**
   * Protocols that a client may upgrade to, in lower case. Default: `["websocket"]`. `h2c` is never
   * one.
   */
  upgrades: listOf(
    text(
      'a protocol in lower case, other than "h2c"',
      (token) => /^[!-+\--~]+$/.test(token) && token === token.toLowerCase() && token !== "h2c",
    ),
    "an array of protocols in lower case",
  ).optional(),
};

/** What crosses the edge between clients and plugins, and what doesn't. */
export interface EdgeOptions extends Given<typeof edgeKeys> {}

export const edgeSchema = shape(edgeKeys);
