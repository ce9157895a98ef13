/**
 * A request's method as the semantic conventions of OpenTelemetry bound it: those of RFC 9110, PATCH
 * (RFC 5789) and QUERY (RFC 10008), and `"_OTHER"` for whatever else clients make up.
 */
export function knownMethod(method: string): string {
  return methods.has(method) ? method : "_OTHER";
}

const methods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);
