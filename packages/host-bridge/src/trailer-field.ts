import { hopByHopFields } from "./hop-by-hop.js";

/** Whether a trailer section may hold the field. @param dashed in lower case, "_" as "-" */
export function isTrailerField(dashed: string): boolean {
  return (
    !headerOnlyFields.has(dashed) && !dashed.startsWith("if-") && !dashed.startsWith("x-forwarded-")
  );
}

/**
 * Fields that a trailer section may not hold, because a receiver that merged them into the header section would be
 * misled on framing, routing, credentials, conditions, caching or content (RFC 9110, section 6.5.1). Names that begin with
 * "if-" belong to them too.
 */
const headerOnlyFields: ReadonlySet<string> = new Set([
  ...hopByHopFields,
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "forwarded",
  "host",
  "location",
  "max-forwards",
  "pragma",
  "range",
  "retry-after",
  "set-cookie",
  "trailer",
  "vary",
  "www-authenticate",
]);
