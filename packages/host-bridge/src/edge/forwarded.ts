import type { ForwardedHop } from "./forwarded-hops.js";

/** What the host tells the plugin about whoever has connected to it. */
export interface ForwardedFacts {
  /** Its address without a port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** The Host field; empty when there was none. */
  readonly host: string;
  readonly scheme: "http" | "https";
  /** Where the client finds the plugin; empty at the root. */
  readonly basePath: string;
}

/** Adds X-Forwarded-For, -Host, -Proto and -Prefix and Forwarded (RFC 7239) to a flat field list. */
export function pushForwarded(fields: string[], facts: ForwardedFacts): void {
  if (facts.remoteIp !== "") {
    fields.push("X-Forwarded-For", facts.remoteIp);
  }
  if (facts.host !== "") {
    fields.push("X-Forwarded-Host", facts.host);
  }
  fields.push("X-Forwarded-Proto", facts.scheme);
  fields.push("Forwarded", ownElement(facts));
  pushPrefix(fields, facts.basePath);
}

/**
 * The same for a request that came by proxies. Both families of fields say the same: the way from
 * the client on, and the scheme and the host that the client meant.
 *
 * @param hops at least one; the first one is the client's
 */
export function pushForwardedHops(
  fields: string[],
  facts: ForwardedFacts,
  hops: readonly ForwardedHop[],
): void {
  const senders = [...hops.map(({ sender }) => sender?.peer ?? ""), facts.remoteIp];
  const addresses = senders.filter((peer) => peer !== "" && peer !== "unix");
  if (addresses.length > 0) {
    fields.push("X-Forwarded-For", addresses.join(", "));
  }
  const [first] = hops;
  const host = first?.host ?? facts.host;
  if (host !== "") {
    fields.push("X-Forwarded-Host", host);
  }
  const scheme = first?.scheme ?? facts.scheme;
  fields.push("X-Forwarded-Proto", scheme);
  const elements = hops.map(({ sender }, index) =>
    index === 0
      ? elementOf(sender?.peer ?? "", host, scheme)
      : `for=${forwardedNode(sender?.peer ?? "")}`,
  );
  fields.push("Forwarded", [...elements, ownElement(facts)].join(", "));
  pushPrefix(fields, facts.basePath);
}

function pushPrefix(fields: string[], basePath: string): void {
  if (basePath !== "") {
    fields.push("X-Forwarded-Prefix", basePath);
  }
}

/** Joins the lines of a list field (RFC 9110, section 5.3). */
export function joined(before: string | undefined, next: string): string {
  if (before === undefined || before === "") {
    return next;
  }
  return next === "" ? before : `${before}, ${next}`;
}

/** The element that was built last: all requests on one connection need the same one. */
let last: (Omit<ForwardedFacts, "basePath"> & { readonly element: string }) | undefined;

function ownElement(facts: ForwardedFacts): string {
  if (
    last !== undefined &&
    last.remoteIp === facts.remoteIp &&
    last.host === facts.host &&
    last.scheme === facts.scheme
  ) {
    return last.element;
  }
  const element = elementOf(facts.remoteIp, facts.host, facts.scheme);
  last = { remoteIp: facts.remoteIp, host: facts.host, scheme: facts.scheme, element };
  return element;
}

function elementOf(ip: string, host: string, scheme: string): string {
  // A valid Host holds neither quotes nor backslashes, so there is nothing to escape.
  const hostParameter = host === "" ? "" : `;host="${host}"`;
  return `for=${forwardedNode(ip)}${hostParameter};proto=${scheme}`;
}

function forwardedNode(ip: string): string {
  if (ip === "" || ip === "unix") {
    return "unknown";
  }
  return ip.includes(":") ? `"[${ip}]"` : ip;
}
