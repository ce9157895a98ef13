/**
 * What is known of an HTTP request, for a span about it. Texts are of one character a byte.
 */
export interface HttpRequestFacts {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** The host that the client has addressed; empty where it named none. */
  readonly host: string;
  /** The client's `"ip:port"`, IPv6 in brackets; empty where unknown. */
  readonly clientAddress: string;
  /** `"1.0"`, `"1.1"` or `"2"`. */
  readonly httpVersion: string;
  readonly userAgent: string | undefined;
}

/**
 * The method as spans and metrics have it: `"_OTHER"` where it is none that is known, so that
 * clients can't make up names (OpenTelemetry's semantic conventions, `http.request.method`).
 */
export function methodAttribute(method: string): string {
  return knownMethods.has(method) ? method : "_OTHER";
}

/** The name of a span of which no route is known. */
export function methodSpanName(method: string): string {
  return knownMethods.has(method) ? method : "HTTP";
}

/** The attributes of a request by OpenTelemetry's semantic conventions for HTTP servers. */
export function httpRequestAttributes(facts: HttpRequestFacts): Record<string, string | number> {
  const { clientAddress, host, httpVersion, method, scheme, target, userAgent } = facts;
  const known = methodAttribute(method);
  const query = target.indexOf("?");
  const attributes: Record<string, string | number> = {
    "http.request.method": known,
    "url.scheme": scheme,
    "url.path": query < 0 ? target : target.slice(0, query),
    "network.protocol.version": httpVersion,
  };
  if (known !== method) {
    attributes["http.request.method_original"] = method;
  }
  if (query >= 0 && query + 1 < target.length) {
    attributes["url.query"] = redactedQuery(target.slice(query + 1));
  }
  const [server, serverPort] = splitPort(host);
  if (server !== "") {
    attributes["server.address"] = server;
    if (serverPort !== undefined) {
      attributes["server.port"] = serverPort;
    }
  }
  const [client] = splitPort(clientAddress);
  if (client !== "") {
    attributes["client.address"] = client;
  }
  if (userAgent !== undefined) {
    attributes["user_agent.original"] = userAgent;
  }
  return attributes;
}

/** A query without the signatures that the semantic conventions name (`url.query`). */
function redactedQuery(query: string): string {
  return query.replace(signatures, "$1$2=REDACTED");
}

const signatures = /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature)=[^&]*/g;

/** Address and port of an authority. The address of IPv6 is without brackets. */
function splitPort(authority: string): [address: string, port: number | undefined] {
  const [, v6, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  return [v6 ?? name ?? authority, port === undefined ? undefined : Number(port)];
}

const knownMethods: ReadonlySet<string> = new Set([
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
