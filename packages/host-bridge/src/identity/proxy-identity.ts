import { z } from "zod";
import { peerOf } from "../client/remote-address.js";
import { type Given, shape } from "../edge/option-kinds.js";
import { TrustedProxies } from "../edge/trusted-proxies.js";
import type { NodeRequest } from "../options/options.js";
import { type Identity, nobody, refusal } from "./identity.js";
import {
  anonymous,
  headerName,
  headerNames,
  proxyRanges,
  readIdentityOptions,
} from "./read-identity-options.js";

const names = "the name of a header, or an array of such names that is not empty";

const proxyKeys = {
  /**
   * The header field in which the proxy says who the client is, or several: `"x-forwarded-user"`,
   * `["x-auth-request-user", "x-auth-request-email"]`. The plugin gets them under the same names.
   * The first one decides whether there is somebody.
   */
  header: z
    .union([headerName.transform((one) => [one]), headerNames], { error: names })
    .refine((all) => all.length > 0, { error: names }),
  /**
   * The proxies whose word counts: addresses, ranges such as `"10.0.0.0/8"`, and `"unix"` for
   * whoever connects to a unix socket. At least one.
   */
  trustedProxies: proxyRanges.refine((ranges) => ranges.length > 0, {
    error: 'an array with at least one address, range such as "10.0.0.0/8", or "unix"',
  }),
  /**
   * Requests of which no trusted proxy says who sent them: `"refuse"` answers 403, `"allow"` lets
   * them in as nobody. Default: `"refuse"`.
   */
  anonymous: anonymous.default("refuse"),
};

/** Options of `proxyIdentity`. */
export interface ProxyIdentityOptions extends Given<
  typeof proxyKeys,
  "header" | "trustedProxies"
> {}

export const proxySchema = shape(proxyKeys);

/**
 * Makes an `identity` of what a proxy in front of the host has found out: it has authenticated the
 * client and says in a header field who that is.
 *
 * ```ts
 * const identity = proxyIdentity({ header: "x-forwarded-user", trustedProxies: ["10.0.0.0/8"] });
 * ```
 *
 * The field counts only where the connection itself comes from a trusted proxy. A proxy must replace
 * what its client wrote there, not add to it: a request with two such fields is answered 400. Make
 * sure that no client reaches the host from a trusted address but through the proxy.
 *
 * @throws ServeHTTPError `invalid-argument` for options that are not allowed
 */
export function proxyIdentity(options: ProxyIdentityOptions): Identity {
  const settings = readIdentityOptions("proxyIdentity", proxySchema, options);
  const proxies = new TrustedProxies(settings.trustedProxies);
  const { header } = settings;
  return async (request) => {
    const values = proxies.hasPeer(peerOf(request.socket))
      ? header.map((name) => valuesOf(request, name))
      : [];
    if (values.some((all) => all.length > 1)) {
      return refusal(400, "It is said twice who the client is.");
    }
    const [first] = values;
    if ((first?.[0] ?? "") === "") {
      return settings.anonymous === "allow"
        ? nobody(header)
        : refusal(403, "Nobody has said who the client is.");
    }
    return Object.fromEntries(header.map((name, index) => [name, values[index]?.[0]]));
  };
}

function valuesOf({ rawHeaders }: NodeRequest, name: string): readonly string[] {
  const lower = name.toLowerCase();
  return rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === lower,
  );
}
