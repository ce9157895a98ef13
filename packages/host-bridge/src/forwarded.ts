/** Who called, as the next server is told. */
export interface ForwardedFacts {
  /** The caller's address without its port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** The Host field; empty when there was none. */
  readonly host: string;
  readonly scheme: "http" | "https";
}

/** The forwarded fields that a caller sent; each joined from all its lines, undefined when it sent none. */
export interface ForwardedBefore {
  for: string | undefined;
  host: string | undefined;
  proto: string | undefined;
  forwarded: string | undefined;
}

/**
 * Adds X-Forwarded-For, -Host and -Proto and Forwarded (RFC 7239) to a flat field list. What came before is continued:
 * the lists get one more element, and the first host and scheme stand, because they are the ones the caller meant.
 */
export function pushForwarded(
  fields: string[],
  facts: ForwardedFacts,
  before: ForwardedBefore | undefined,
): void {
  const element = forwardedElement(facts);
  if (before === undefined) {
    if (facts.remoteIp !== "") {
      fields.push("X-Forwarded-For", facts.remoteIp);
    }
    if (facts.host !== "") {
      fields.push("X-Forwarded-Host", facts.host);
    }
    fields.push("X-Forwarded-Proto", facts.scheme, "Forwarded", element);
    return;
  }
  const forwardedFor = joined(before.for, facts.remoteIp);
  if (forwardedFor !== "") {
    fields.push("X-Forwarded-For", forwardedFor);
  }
  const host = before.host ?? facts.host;
  if (host !== "") {
    fields.push("X-Forwarded-Host", host);
  }
  fields.push("X-Forwarded-Proto", before.proto ?? facts.scheme);
  fields.push("Forwarded", joined(before.forwarded, element));
}

/** Joins the lines of a list field (RFC 9110, section 5.3). */
export function joined(before: string | undefined, next: string): string {
  if (before === undefined || before === "") {
    return next;
  }
  return next === "" ? before : `${before}, ${next}`;
}

/** The last element built: callers on one connection ask for the same one again and again. */
let last: (ForwardedFacts & { readonly element: string }) | undefined;

function forwardedElement(facts: ForwardedFacts): string {
  if (
    last !== undefined &&
    last.remoteIp === facts.remoteIp &&
    last.host === facts.host &&
    last.scheme === facts.scheme
  ) {
    return last.element;
  }
  const node = facts.remoteIp === "" ? "unknown" : forwardedNode(facts.remoteIp);
  // A valid Host holds neither quotes nor backslashes, so that quoting needs no escapes.
  const host = facts.host === "" ? "" : `;host="${facts.host}"`;
  const element = `for=${node}${host};proto=${facts.scheme}`;
  last = { remoteIp: facts.remoteIp, host: facts.host, scheme: facts.scheme, element };
  return element;
}

function forwardedNode(ip: string): string {
  return ip.includes(":") ? `"[${ip}]"` : ip;
}
