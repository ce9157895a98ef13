import { isIP } from "node:net";
import type { AdminRequest } from "../answer/node-types.js";

/**
 * Says why a request may come from another site's page; undefined where it does not.
 *
 * A page of another site reaches this server by a name of its own that resolves to this address (DNS
 * rebinding): then that name is in `Host`. Or it makes the browser send a request here (CSRF): then
 * browsers say so in `Origin` and `Sec-Fetch-Site`.
 *
 * @param hosts names that are this server's, beside addresses and localhost
 */
export function foreignRequest(
  { headers }: Pick<AdminRequest, "headers">,
  hosts: readonly string[],
): string | undefined {
  const host = String(headers[":authority"] ?? headers.host ?? "").toLowerCase();
  const isOwn = (name: string): boolean =>
    isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 ||
    name === "localhost" ||
    name.endsWith(".localhost") ||
    hosts.some((one) => one.toLowerCase() === name);
  if (!isOwn(nameOf(host))) {
    return `Host ${JSON.stringify(host)} is not allowed; the option hosts has the names under which the admin is reached`;
  }
  const { origin } = headers;
  if (origin !== undefined) {
    const from = URL.parse(origin);
    const isSame = from?.host === host || hosts.some((one) => from?.hostname === one.toLowerCase());
    if (!isSame) {
      return `a page of ${JSON.stringify(origin)} may not call the admin`;
    }
  }
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return "pages of other sites may not call the admin";
  }
  return undefined;
}

/** Without the port. */
function nameOf(host: string): string {
  return host.replace(/:\d*$/, "");
}
