import { hopByHopNames, comparableName, isToken } from "@servehttp/contract";
import type { z } from "zod";
import { listOf, oneOf, text } from "../edge/option-kinds.js";
import { isProxyRange } from "../edge/trusted-proxies.js";
import { optionError } from "../options/option-error.js";

/**
 * Checks the options of a ready-made identity.
 *
 * @param name of the function, for the error
 * @throws ServeHTTPError `invalid-argument`, one line: the option, what was given, what is allowed
 */
export function readIdentityOptions<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const result = schema.safeParse(given);
  if (!result.success) {
    throw optionError(result.error, [name], given);
  }
  return result.data;
}

const framing: ReadonlySet<string> = new Set(["host", "content-length", "expect"]);

/** Whether a name is one of a header field that does not frame or route. */
function isOpenName(name: string): boolean {
  const comparable = comparableName(name);
  return isToken(name) && !hopByHopNames.has(comparable) && !framing.has(comparable);
}

export const headerName = text("the name of a header that doesn't frame or route", isOpenName);

export const headerNames = listOf(headerName, "an array of header names");

export const anonymous = oneOf("refuse", "allow");

export const proxyRanges = listOf(
  text('an IP address, a range such as "10.0.0.0/8", or "unix"', isProxyRange),
  'an array of addresses, ranges such as "10.0.0.0/8", and "unix"',
);

export const httpUrl = text('a URL that begins with "https://" or "http://"', (given) => {
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "";
});
