import type { FieldList } from "@servehttp/contract";
import { listElements } from "../syntax/connection-options.js";
import { type ForwardedElement, readForwardedElements } from "../syntax/forwarded-elements.js";
import { type ForwardedNode, readForwardedNode, unknownNode } from "./forwarded-node.js";
import { isValidHost } from "../syntax/valid-host.js";

/** The fields by which a proxy says whom a request came from. */
export type ForwardedFamily = "x-forwarded" | "forwarded";

/** What a proxy says of the request that it got. */
export interface ForwardedHop {
  /** Whoever sent it the request; undefined where it does not say. */
  readonly sender: ForwardedNode | undefined;
  /** How; undefined where it does not say. */
  readonly scheme: "http" | "https" | undefined;
  /** For which host; undefined where it does not say. */
  readonly host: string | undefined;
}

/** The way of a request, as the fields of one family tell it: the first proxy comes first. */
export function readForwardedHops(
  fields: FieldList,
  family: ForwardedFamily,
): readonly ForwardedHop[] {
  return family === "forwarded" ? hopsOfForwarded(fields) : hopsOfXForwarded(fields);
}

/**
 * The lists are aligned at their ends, because the proxy that is next to the host has added to
 * them last. A list that is shorter was written by a proxy in front of others, which left it alone:
 * its first element holds for the rest of the way.
 */
function hopsOfXForwarded(fields: FieldList): readonly ForwardedHop[] {
  const senders = elementsOf(fields, "x-forwarded-for");
  const schemes = elementsOf(fields, "x-forwarded-proto");
  const hosts = elementsOf(fields, "x-forwarded-host");
  const hopAt = (behind: number, sender: ForwardedNode | undefined): ForwardedHop => ({
    sender,
    scheme: schemeOf(schemes[Math.max(0, schemes.length - behind)]),
    host: hostOf(hosts[Math.max(0, hosts.length - behind)]),
  });
  if (senders.length === 0 && schemes.length + hosts.length > 0) {
    return [hopAt(1, undefined)];
  }
  return senders.map((sender, index) => hopAt(senders.length - index, readForwardedNode(sender)));
}

function hopsOfForwarded(fields: FieldList): readonly ForwardedHop[] {
  const hops: ForwardedHop[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() === "forwarded") {
      const elements = readForwardedElements(fields[at + 1] as string);
      hops.push(...(elements === undefined ? [unknownHop] : elements.map(hopOf)));
    }
  }
  return hops;
}

/** What can't be read could have come from anybody. */
const unknownHop: ForwardedHop = { sender: unknownNode, scheme: undefined, host: undefined };

function hopOf(element: ForwardedElement): ForwardedHop {
  const sender = element.get("for");
  return {
    sender: sender === undefined ? undefined : readForwardedNode(sender),
    scheme: schemeOf(element.get("proto")),
    host: hostOf(element.get("host")),
  };
}

/** The elements of a list field, whose lines count as one (RFC 9110, section 5.3). */
function elementsOf(fields: FieldList, lowerName: string): readonly string[] {
  const elements: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() === lowerName) {
      elements.push(...listElements(fields[at + 1] as string));
    }
  }
  return elements;
}

/** Some proxies name the scheme of a WebSocket. */
function schemeOf(text: string | undefined): "http" | "https" | undefined {
  switch (text?.toLowerCase()) {
    case "http":
    case "ws":
      return "http";
    case "https":
    case "wss":
      return "https";
    default:
      return undefined;
  }
}

function hostOf(text: string | undefined): string | undefined {
  return text !== undefined && text !== "" && isValidHost(text) ? text : undefined;
}
