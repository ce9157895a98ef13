import * as zlib from "node:zlib";
import { ServeHTTPError } from "@servehttp/contract";
import type { ServeHTTP } from "../handler/serve-http.js";
import type { PluginCalls } from "../handler/plugin-calls.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { RequestLog } from "../handler/request-log.js";
import type { UpgradeListener } from "./upgrade.js";
import type { ResponseWriter } from "../handler/response-writer.js";

/** A handler in the style of fetch. A Hono app is one. */
export interface FetchHandler {
  /**
   * Answers a Request with a Response. Both bodies stream, each at the pace of its reader.
   * `request.signal` aborts with the reason of `PluginRequest.signal`. The body of the response is
   * cancelled when the client leaves.
   */
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;

  /**
   * A listener of Node's event `upgrade`, for `ws` and the like: a Response can't change the
   * protocol. Default: none, and a request for an upgrade is an ordinary one.
   */
  upgrade?: UpgradeListener;
}

/** What is known of a request and has no place in a Request of fetch. Hono has it as `c.env`. */
export interface FetchContext {
  /** `PluginRequest.id`: the host's name for this exchange in its logs. */
  readonly id: string;
  /**
   * `PluginRequest.context`: what the host knows of the client, such as user, tenant and locale. No
   * header can forge it.
   */
  readonly context: Readonly<Record<string, string>>;
  /** `PluginRequest.remoteAddress`: the client's address, `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  /**
   * `PluginRequest.deadline`: when the host gives up the exchange as a whole. Undefined for never.
   */
  readonly deadline: Date | undefined;
  /**
   * `PluginRequest.basePath`: where clients find the plugin, such as `"/plugins/notes"`; empty where
   * it is at the root. It is not part of the request's URL, unless the host passes the whole path.
   */
  readonly basePath: string;
  /** `PluginRequest.requestUri`: the request target as it came to the host. */
  readonly requestUri: string;
  /** `PluginRequest.calledBy`: the plugin that made this request by a call. Undefined for none. */
  readonly calledBy: string | undefined;
  /** `PluginRequest.plugins`: calls other plugins of the host, on behalf of this client. */
  readonly plugins: PluginCalls;
  /** `PluginRequest.log`: the log of this request. */
  readonly log: RequestLog;
  /**
   * The request itself: with each header line as it came, trailers, and a path that no URL class
   * has normalised.
   */
  readonly request: PluginRequest;
}

/**
 * `serveHTTP` for a fetch handler. A Request can't be made for the methods CONNECT, TRACE and
 * TRACK: they are answered with 501. Nor can it hold the body of a GET or HEAD: handlers read it
 * from `context.request`.
 */
export function serveFetch(handler: FetchHandler): ServeHTTP {
  return async (request, response) => {
    if (methodsNotOfFetch.has(request.method.toUpperCase())) {
      response.writeHead(501);
      return;
    }
    const answer = await handler.fetch(toRequest(request), contextOf(request));
    if (!isResponse(answer)) {
      throw new ServeHTTPError(
        "handler-failed",
        "the fetch handler returned something else than a Response",
      );
    }
    await writeResponse(answer, request, response);
  };
}

const methodsNotOfFetch: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

function contextOf(request: PluginRequest): FetchContext {
  return {
    id: request.id,
    context: request.context,
    remoteAddress: request.remoteAddress,
    deadline: request.deadline,
    basePath: request.basePath,
    requestUri: request.requestUri,
    calledBy: request.calledBy,
    // Made when it is asked for.
    get plugins() {
      return request.plugins;
    },
    get log() {
      return request.log;
    },
    request,
  };
}

function toRequest(request: PluginRequest): Request {
  const init: RequestInit & { duplex?: "half" } = {
    method: request.method,
    headers: headersOf(request),
    signal: request.signal,
  };
  if (request.contentLength !== 0 && request.method !== "GET" && request.method !== "HEAD") {
    init.body = streamOf(request);
    init.duplex = "half";
  }
  return new Request(absoluteUrl(request), init);
}

/**
 * The header section, with the fields that the contract keeps apart: fetch handlers look for them
 * here.
 */
function headersOf(request: PluginRequest): Headers {
  const headers = new Headers();
  if (request.host !== "") {
    headers.append("host", request.host);
  }
  for (const [name, value] of request.headers) {
    headers.append(name, value);
  }
  if (request.contentLength !== undefined && request.contentLength > 0) {
    headers.set("content-length", String(request.contentLength));
  }
  return headers;
}

function absoluteUrl(request: PluginRequest): string {
  // A byte outside of ASCII is encoded as such. The class URL would take it for a character and
  // encode that.
  const target = request.url.replace(
    nonAscii,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const url = `${request.scheme}://${request.host}${target}`;
  return hostForm.test(request.host) && URL.canParse(url)
    ? url
    : `${request.scheme}://localhost${target}`;
}

const nonAscii = /[\u0080-\u00ff]/g;

/**
 * uri-host [ ":" port ] (RFC 9110, section 7.2), without a character that begins another part of a
 * URL.
 */
const hostForm = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-fA-F:.]+\])(?::\d*)?$/;

/** The body as a stream that reads a chunk only when it is asked for one. */
function streamOf(request: PluginRequest): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= request.body[Symbol.asyncIterator]();
        const result = await chunks.next();
        if (result.done === true) {
          controller.close();
        } else {
          controller.enqueue(result.value);
        }
      },
      async cancel() {
        chunks ??= request.body[Symbol.asyncIterator]();
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Whether it is a Response, by its shape: Hono's Node server and test runners have classes of their
 * own.
 */
function isResponse(value: unknown): value is Response {
  return (
    typeof value === "object" &&
    value !== null &&
    "status" in value &&
    typeof value.status === "number" &&
    "headers" in value
  );
}

async function writeResponse(
  answer: Response,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const isDecoded = hasDecodedBody(answer);
  for (const [name, value] of answer.headers) {
    // One pair for each Set-Cookie. fetch has joined the values of all other names.
    if (!isDecoded || (name !== "content-encoding" && name !== "content-length")) {
      response.headers.append(name, value);
    }
  }
  response.writeHead(answer.status, answer.statusText);
  if (answer.body === null) {
    await response.end();
    return;
  }
  const reader = answer.body.getReader();
  const cancel = (): void => {
    // A source that fails to stop has nothing more to say to this exchange.
    reader.cancel(request.signal.reason).catch(ignore);
  };
  request.signal.addEventListener("abort", cancel, { once: true });
  if (request.signal.aborted) {
    cancel();
  }
  try {
    await pump(reader, response);
  } finally {
    request.signal.removeEventListener("abort", cancel);
  }
}

/**
 * Whether the body is what `fetch()` has decoded, while the headers still describe the encoded one
 * (Fetch standard, HTTP-network fetch). The type of a Response that a handler has made itself is
 * "default".
 */
function hasDecodedBody({ type, body, headers }: Response): boolean {
  const encoding = headers.get("content-encoding");
  return (
    encoding !== null &&
    body !== null &&
    (type === "basic" || type === "cors") &&
    encoding.split(",").every((coding) => decodedCodings.has(coding.trim().toLowerCase()))
  );
}

/** What `fetch()` decodes. Where it meets another coding it decodes nothing. */
const decodedCodings: ReadonlySet<string> = new Set([
  "gzip",
  "x-gzip",
  "deflate",
  "br",
  ...("createZstdDecompress" in zlib && Number.parseInt(process.versions["undici"] ?? "0", 10) >= 7
    ? ["zstd"]
    : []),
]);

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  response: ResponseWriter,
): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each chunk waits for room before the next is read
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    // oxlint-disable-next-line no-await-in-loop -- as above
    await response.write(value);
  }
  await response.end();
}

function ignore(): void {
  // See its use.
}
