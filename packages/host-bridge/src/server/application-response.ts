import { ServeHTTPError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import { readResponseHead } from "../edge/response-head.js";
import { hostFunctionMsMax, applicationBodyBytesMax } from "../limits.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import { openAnswer } from "./answer.js";
import { inTime } from "./in-time.js";

/**
 * Answers a request with what the host's application says in place of the plugin: a `Response` as
 * fetch knows it. Does nothing where the client has left.
 *
 * @throws ServeHTTPError `invalid-argument` for a response that nobody can be given: one of
 *   `Response.error()`, a body that was read before, or is too large
 */
export async function answerResponse(
  request: IncomingRequest,
  response: Response,
  observed: WatchedRequest | undefined,
): Promise<void> {
  const body = await inTime(bodyOf(response), hostFunctionMsMax, "the body of identity's response");
  if (request.closed) {
    return;
  }
  const { method, versionMajor, versionMinor } = request;
  const head = readResponseHead(
    { status: response.status, headers: fieldsOf(response.headers) },
    { method, versionMajor, versionMinor, policy: ofTheApplication, redirects: undefined },
  );
  const toClient = openAnswer(request, observed);
  toClient.respond(head, body, []);
  if (!request.body.complete) {
    toClient.discardRequestBody();
  }
}

/**
 * Whether a value is a `Response`: Node's own, or one of a library, such as undici, that has a class
 * of its own for it.
 */
export function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === "[object Response]";
}

/** The application may set its own cookies. */
const ofTheApplication = { maySetCookie: () => true, informational: true };

/** The length is that of the bytes that go out, whatever the response says of it. */
function fieldsOf(headers: Headers): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) {
    if (name !== "content-length" && name !== "transfer-encoding") {
      fields.push(name, value);
    }
  }
  return fields;
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  if (response.status < 200) {
    throw invalid(`a response with the status ${response.status}`);
  }
  if (response.bodyUsed) {
    throw invalid("a response whose body was read before");
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > applicationBodyBytesMax) {
      throw invalid(`a response with more than ${applicationBodyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function invalid(what: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", `identity: returned ${what}`);
}
