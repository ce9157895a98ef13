import { comparableName, type FieldList, type RequestInit } from "@servehttp/contract";
import { isForwarded } from "../edge/field-kind.js";

/**
 * The header section of a call as the edge reads it: the plugin's, with the host and the trace
 * context of the exchange within which it calls, and without anything that would say who forwarded
 * the request. A plugin has no say in that.
 *
 * @param raw name, value, name, value
 */
export function callFields(raw: FieldList, outer: RequestInit | undefined): FieldList {
  const fields: string[] = ["Host", outer === undefined ? noHost : outer.host || noHost];
  let isTraced = outer === undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = comparableName(raw[at] as string);
    if (name === "host" || saysWhoForwarded(name)) {
      continue;
    }
    isTraced ||= name === "traceparent";
    fields.push(raw[at] as string, raw[at + 1] as string);
  }
  return isTraced || outer === undefined
    ? fields
    : [...fields, ...fieldsOf(outer, (name) => traceNames.has(name))];
}

/** The fields that say who forwarded the request of an exchange. */
export function forwardedFields(outer: RequestInit | undefined): FieldList {
  // The prefix is the calling plugin's own.
  return outer === undefined
    ? []
    : fieldsOf(outer, (name) => saysWhoForwarded(name) && name !== "x-forwarded-prefix");
}

/** The host of a call without a client. */
const noHost = "localhost";

/** Of the W3C's Trace Context and Baggage. */
const traceNames: ReadonlySet<string> = new Set(["traceparent", "tracestate", "baggage"]);

function saysWhoForwarded(name: string): boolean {
  return isForwarded(name) || name === "x-real-ip";
}

function fieldsOf({ headers }: RequestInit, isMeant: (name: string) => boolean): string[] {
  const fields: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (isMeant(comparableName(headers[at] as string))) {
      fields.push(headers[at] as string, headers[at + 1] as string);
    }
  }
  return fields;
}
