import { hopByHopNames, ServeHTTPError } from "@servehttp/contract";
import { isEncrypted } from "../client/is-encrypted.js";
import { peerOf } from "../client/remote-address.js";
import { type Given, type Read, shape, whole } from "../edge/option-kinds.js";
import type { IdentityFields } from "../edge/read-identity.js";
import type { RequestClient } from "../edge/request-client.js";
import { TrustedProxies } from "../edge/trusted-proxies.js";
import { authAnswerBytesMax } from "../limits.js";
import type { NodeRequest } from "../options/options.js";
import type { Identity } from "./identity.js";
import { headerNames, httpUrl, proxyRanges, readIdentityOptions } from "./read-identity-options.js";

const forwardKeys = {
  /** The auth service's URL, to which each request is described by a GET. */
  url: httpUrl,
  /**
   * Header fields of the service's answer that say who the client is: the plugin gets them, and a
   * client's fields of these names never arrive. As `authResponseHeaders` of Traefik. Default: none.
   */
  headers: headerNames.default([]),
  /**
   * The client's header fields that the service gets. Default: all but those that frame a message or
   * belong to a connection.
   */
  requestHeaders: headerNames.optional(),
  /**
   * Proxies in front of the host whose X-Forwarded-For, -Host and -Proto are passed on as they are:
   * addresses, ranges such as `"10.0.0.0/8"`, and `"unix"`. Without them the service learns the
   * client's address and scheme, by what `edge.trustedProxies` tell. Default: none.
   */
  trustedProxies: proxyRanges.default([]),
  /** How long the service may take for its whole answer. Default: 5,000. */
  timeoutMs: whole(1, 29_000).default(5_000),
};

/** Options of `forwardAuth`. */
export interface ForwardAuthOptions extends Given<typeof forwardKeys, "url"> {}

export const forwardSchema = shape(forwardKeys);

type Settings = Read<typeof forwardKeys>;

/**
 * Makes an `identity` that asks an auth service for each request (oauth2-proxy, Authelia, authentik
 * and others), as `ForwardAuth` of Traefik and `auth_request` of nginx do.
 *
 * ```ts
 * const identity = forwardAuth({
 *   url: "http://127.0.0.1:4180/oauth2/auth",
 *   headers: ["x-auth-request-user", "x-auth-request-email"],
 * });
 * ```
 *
 * The service gets a GET without a body, with the client's header fields, and with
 * X-Forwarded-Method, -Proto, -Host, -Uri and -For, and X-Original-Method and -URL, which say what
 * the client wants. A client's own fields of these names are not sent.
 *
 * It answers 2xx for a client that may come in. Any answer from 300 to 499 refuses the client, who
 * gets that answer: status, fields (Location, Set-Cookie and WWW-Authenticate among them) and up to
 * 1 MiB of body. Redirects are not followed. Where the service answers 5xx, or not within
 * `timeoutMs`, or can't be reached, the client is answered 503 and the log says why. Cookies that
 * the service sets with 2xx don't reach the client.
 *
 * @throws ServeHTTPError `invalid-argument` for options that are not allowed
 */
export function forwardAuth(options: ForwardAuthOptions): Identity {
  const settings = readIdentityOptions("forwardAuth", forwardSchema, options);
  const proxies = new TrustedProxies(settings.trustedProxies);
  const wanted =
    settings.requestHeaders && new Set(settings.requestHeaders.map((name) => name.toLowerCase()));
  return async (request, client) => {
    const headers = describe(request, client, proxies, wanted);
    const signal = AbortSignal.timeout(settings.timeoutMs);
    try {
      const answer = await fetch(settings.url, { headers, redirect: "manual", signal });
      if (answer.status >= 500) {
        await answer.body?.cancel();
        throw new Error(`it answered ${answer.status}`);
      }
      if (answer.ok) {
        await answer.body?.cancel();
        return fieldsOf(answer.headers, settings);
      }
      return await passedOn(answer);
    } catch (error) {
      const why = reasonOf(error, settings.timeoutMs);
      throw new ServeHTTPError("unavailable", `forwardAuth: ${settings.url}: ${why}`, {
        cause: error,
      });
    }
  };
}

/** What the service gets to read of a request. */
function describe(
  request: NodeRequest,
  client: RequestClient | undefined,
  proxies: TrustedProxies,
  wanted: ReadonlySet<string> | undefined,
): Headers {
  const headers = new Headers();
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (!isOurs(name) && (wanted === undefined || wanted.has(name))) {
      headers.append(name, rawHeaders[at + 1] ?? "");
    }
  }
  for (const named of (request.headers.connection ?? "").split(",")) {
    const name = named.trim();
    if (/^[!#$%&'*+\-.^_`|~\w]+$/.test(name)) {
      headers.delete(name);
    }
  }
  const peer = peerOf(request.socket);
  const said = (name: string): string | undefined =>
    proxies.hasPeer(peer) ? fieldOf(request, name) : undefined;
  const method = request.method ?? "GET";
  const uri = (request as { originalUrl?: string }).originalUrl ?? request.url ?? "/";
  const own = client?.scheme ?? (isEncrypted(request.socket) ? "https" : "http");
  const scheme = said("x-forwarded-proto") ?? own;
  const authority = fieldOf(request, ":authority") ?? fieldOf(request, "host") ?? "";
  const host = said("x-forwarded-host") ?? authority;
  const before = said("x-forwarded-for");
  // Where the service is to see all proxies, the last of them is the one that has connected.
  const address = before === undefined && client !== undefined ? ipOf(client) : peer;
  headers.set("x-forwarded-method", method);
  headers.set("x-forwarded-proto", scheme);
  headers.set("x-forwarded-host", host);
  headers.set("x-forwarded-uri", uri);
  headers.set(
    "x-forwarded-for",
    [before, address === "unix" ? "" : address].filter(Boolean).join(", "),
  );
  headers.set("x-original-method", method);
  headers.set("x-original-url", `${scheme}://${host}${uri}`);
  return headers;
}

/** Without the port. */
function ipOf({ remoteAddress }: RequestClient): string {
  return remoteAddress.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
}

function fieldOf(request: NodeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Fields that don't go to the service as the client sent them. */
function isOurs(name: string): boolean {
  return (
    name.startsWith(":") ||
    hopByHopNames.has(name) ||
    name.startsWith("x-forwarded-") ||
    ownFields.has(name)
  );
}

const ownFields: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "expect",
  "forwarded",
  "x-original-method",
  "x-original-url",
]);

function fieldsOf(headers: Headers, settings: Settings): IdentityFields {
  return Object.fromEntries(settings.headers.map((name) => [name, headers.get(name) ?? undefined]));
}

/** The service's answer, for the client. `fetch` has decoded the body. */
async function passedOn(answer: Response): Promise<Response> {
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) {
    headers.delete(name);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > authAnswerBytesMax) {
      throw new Error(`its answer has more than ${authAnswerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  const body = bytes === 0 ? null : Buffer.concat(chunks, bytes);
  return new Response(body, { status: answer.status, headers });
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `it did not answer within ${timeoutMs} ms`;
  }
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause instanceof Error && error.cause.message !== ""
    ? error.cause.message
    : error.message;
}
