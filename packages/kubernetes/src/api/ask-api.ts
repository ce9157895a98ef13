import { Agent, type Dispatcher } from "undici";
import { answerMsMax, quietMsMax, refusalBytesMax } from "../limits.js";
import { ApiError, refusal, unreachable, type Wanted } from "./api-error.js";
import type { Cluster } from "./cluster.js";

/** What the API server has answered. Disposing of it closes its connection. */
export interface ApiAnswer extends AsyncDisposable {
  /** Throws an `ApiError` where it breaks off, or says nothing for too long. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends a GET request on a connection of its own.
 *
 * @throws ApiError where the API server can't be reached, or its status is not 200
 */
export async function askApi(
  cluster: Cluster,
  query: Readonly<Record<string, string>>,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ApiAnswer> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${wanted.namespace}/endpointslices`;
  const url = new URL(`${cluster.server}${path}?${new URLSearchParams(query).toString()}`);
  const headers: Record<string, string> = { accept: "application/json" };
  let dispatcher: Dispatcher | undefined;
  await using failed = new AsyncDisposableStack();
  try {
    await cluster.access.applySecurityAuthentication({
      setHeaderParam: (name, value) => void (headers[name] = value),
      setDispatcher: (given) => void (dispatcher = given as Dispatcher),
    });
    // Where nothing is to be known of certificates, none is set.
    const agent = dispatcher ?? new Agent();
    failed.defer(() => agent.destroy());
    // It is asked itself: it may be of another copy of undici.
    const { statusCode, body } = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: "GET",
      headers,
      signal,
      headersTimeout: answerMsMax,
      bodyTimeout: quietMsMax,
    });
    if (statusCode !== 200) {
      const said = await textOf(body as AsyncIterable<Uint8Array>, refusalBytesMax);
      throw refusal(statusCode, messageOf(said), wanted);
    }
    const open = failed.move();
    return {
      body: told(body as AsyncIterable<Uint8Array>, wanted),
      [Symbol.asyncDispose]: () => open.disposeAsync(),
    };
  } catch (error) {
    throw error instanceof ApiError ? error : unreachable(error, wanted);
  }
}

/** @throws RangeError for more bytes than allowed */
export async function textOf(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new RangeError(`an answer of more than ${bytesMax} bytes`);
    }
  }
  return Buffer.concat(held).toString();
}

async function* told(
  chunks: AsyncIterable<Uint8Array>,
  wanted: Wanted,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw unreachable(error, wanted);
  }
}

/** What a `Status` says, or a line of text; proxies in front of an API server answer anything. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? message : "";
  } catch {
    const [line = ""] = text.split("\n");
    return /^[\w ]{1,80}$/.test(line) ? line : "";
  }
}
