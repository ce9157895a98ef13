/**
 * Fields of one connection, never passed on (RFC 9110, section 7.6.1; the proxies' credentials as Go's ReverseProxy does;
 * HTTP2-Settings goes with `Upgrade: h2c`). Connection, TE, Transfer-Encoding and Upgrade are among them: whoever needs
 * their meaning reads it before.
 */
export const hopByHopFields: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** The elements of a comma-separated field value that are not empty, without blanks around them. */
export function listElements(value: string): string[] {
  const elements: string[] = [];
  for (const element of value.split(",")) {
    const trimmed = element.trim();
    if (trimmed !== "") {
      elements.push(trimmed);
    }
  }
  return elements;
}

/**
 * The fields that a Connection field names, as they are compared (lower case, "_" as "-"). Undefined, which is nearly
 * always so, when it names none. TE and Upgrade have rules of their own and are not among them.
 */
export function connectionNamed(value: string): ReadonlySet<string> | undefined {
  if (value === "keep-alive" || value === "close" || value === "Upgrade") {
    return undefined;
  }
  let named: Set<string> | undefined;
  for (const element of listElements(value)) {
    const dashed = element.toLowerCase().replaceAll("_", "-");
    if (!connectionOptions.has(dashed)) {
      named ??= new Set();
      named.add(dashed);
    }
  }
  return named;
}

const connectionOptions: ReadonlySet<string> = new Set(["close", "keep-alive", "te", "upgrade"]);
