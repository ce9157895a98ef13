import { ServeHTTPError } from "@servehttp/contract";
import type { ServeHTTP } from "../exchange/dispatcher.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ResponseWriter } from "../handler/response-writer.js";

/** A handler in the style of fetch: a Hono app is one. */
export interface FetchHandler {
  /**
   * Answers a Request with a Response. Both bodies stream, at the pace of who reads them; `request.signal` aborts with
   * the reason of `PluginRequest.signal`; the response's body is cancelled when the client leaves.
   */
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;
}

/** What a Request of fetch has no place for (Hono: `c.env`). */
export interface FetchContext {
  /** The host's name for this exchange in its logs. */
  readonly id: string;
  /** What the host knows of the client: user, tenant, locale. No header can forge it. */
  readonly context: Readonly<Record<string, string>>;
  /** `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  /** When the host gives up on the exchange as a whole; undefined for never. */
  readonly deadline: Date | undefined;
  /** The request target as the client sent it. */
  readonly requestUri: string;
  /** The request as the SDK has it: exact header lines, trailers, the path without the normalising of URLs. */
  readonly request: PluginRequest;
}

/**
 * `serveHTTP` for a fetch handler. What the types of fetch can't express is answered here: 501 for the methods CONNECT,
 * TRACE and TRACK; the body of a GET or HEAD is not in the Request, and can be read from `context.request`.
 */
export function serveFetch(handler: FetchHandler): ServeHTTP {
  return async (request, response) => {
    if (methodsNotOfFetch.has(request.method.toUpperCase())) {
      response.writeHead(501);
      return;
    }
    const answer = await handler.fetch(toRequest(request), contextOf(request));
    if (!isResponse(answer)) {
      throw new ServeHTTPError("handler-failed", "the fetch handler's result is no Response");
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
    requestUri: request.requestUri,
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

/** The header section with the fields that the contract keeps apart: fetch handlers look for them here. */
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
  // Bytes that no URL holds as they are; URL would take them for characters and encode these.
  const target = request.url.replace(
    nonAscii,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const url = `${request.scheme}://${request.host}${target}`;
  return hostForm.test(request.host) && URL.canParse(url)
    ? url
    : `${request.scheme}://localhost${target}`;
}

const nonAscii = /[\u0080-\u00ff]/g;

/** uri-host [ ":" port ] (RFC 9110, section 7.2): nothing that could begin another part of the URL. */
const hostForm = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-fA-F:.]+\])(?::\d*)?$/;

/** The body as a stream that reads no chunk before somebody asks for it. */
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

/** By shape: Hono's Node server and test runners bring a Response of their own. */
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
  for (const [name, value] of answer.headers) {
    // One pair for each Set-Cookie; the other names' values are joined already.
    response.headers.append(name, value);
  }
  response.writeHead(answer.status);
  if (answer.body === null) {
    await response.end();
    return;
  }
  const reader = answer.body.getReader();
  const cancel = (): void => {
    // The stream's source learns of it; its own failure to stop concerns nobody.
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

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  response: ResponseWriter,
): Promise<void> {
  for (;;) {
    // A chunk waits for room before the next is read: that is the back-pressure.
    // oxlint-disable-next-line no-await-in-loop
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    // oxlint-disable-next-line no-await-in-loop
    await response.write(value);
  }
  await response.end();
}

function ignore(): void {
  // See its use.
}
