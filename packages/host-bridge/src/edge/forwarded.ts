import type { FieldList } from "@servehttp/contract";

/** What the host tells the plugin about the client. */
export interface ForwardedFacts {
  /** The client's address without its port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** The Host field; empty when there was none. */
  readonly host: string;
  readonly scheme: "http" | "https";
}

/**
 * Adds X-Forwarded-For, -Host and -Proto and Forwarded (RFC 7239) to a flat field list. Lists that
 * came from a trusted proxy get one more element. A host and a scheme that came stand, because they
 * are the ones that the client meant.
 *
 * @param before the fields of this family that a trusted proxy sent; usually none
 */
export function pushForwarded(fields: string[], facts: ForwardedFacts, before: FieldList): void {
  let forwardedFor: string | undefined;
  let host: string | undefined;
  let scheme: string | undefined;
  let elements: string | undefined;
  for (let at = 0; at + 1 < before.length; at += 2) {
    const name = before[at] as string;
    const value = before[at + 1] as string;
    switch (name.toLowerCase()) {
      case "x-forwarded-for":
        forwardedFor = joined(forwardedFor, value);
        break;
      case "x-forwarded-host":
        host ??= value;
        break;
      case "x-forwarded-proto":
        scheme ??= value;
        break;
      case "forwarded":
        elements = joined(elements, value);
        break;
      default:
        fields.push(name, value);
    }
  }
  forwardedFor = joined(forwardedFor, facts.remoteIp);
  if (forwardedFor !== "") {
    fields.push("X-Forwarded-For", forwardedFor);
  }
  host ??= facts.host;
  if (host !== "") {
    fields.push("X-Forwarded-Host", host);
  }
  fields.push("X-Forwarded-Proto", scheme ?? facts.scheme);
  fields.push("Forwarded", joined(elements, forwardedElement(facts)));
}

/** Joins the lines of a list field (RFC 9110, section 5.3). */
export function joined(before: string | undefined, next: string): string {
  if (before === undefined || before === "") {
    return next;
  }
  return next === "" ? before : `${before}, ${next}`;
}

/** The element that was built last: all requests on one connection need the same one. */
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
  // A valid Host holds neither quotes nor backslashes, so there is nothing to escape.
  const host = facts.host === "" ? "" : `;host="${facts.host}"`;
  const element = `for=${forwardedNode(facts.remoteIp)}${host};proto=${facts.scheme}`;
  last = { remoteIp: facts.remoteIp, host: facts.host, scheme: facts.scheme, element };
  return element;
}

function forwardedNode(ip: string): string {
  if (ip === "") {
    return "unknown";
  }
  return ip.includes(":") ? `"[${ip}]"` : ip;
}
