import { createHash } from "node:crypto";
import type { HandlerRequest, HandlerResponse } from "./handler.js";

/** What a handler saw of a request, as JSON. */
export interface DescribedRequest {
  readonly method: string;
  readonly url: string;
  readonly basePath: string;
  readonly requestUri: string;
  readonly protocol: string;
  readonly host: string;
  readonly scheme: "http" | "https";
  readonly remoteAddress: string;
  readonly contentLength: number | null;
  readonly id: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly trailers: readonly (readonly [string, string])[];
}

/** The handler that answers with a description of its request. */
export async function describeRequest(
  request: HandlerRequest,
  response: HandlerResponse,
): Promise<void> {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  for await (const chunk of request.body) {
    hash.update(chunk);
    bodyBytes += chunk.byteLength;
  }
  const described: DescribedRequest = {
    method: request.method,
    url: request.url,
    basePath: request.basePath,
    requestUri: request.requestUri,
    protocol: request.protocol,
    host: request.host,
    scheme: request.scheme,
    remoteAddress: request.remoteAddress,
    contentLength: request.contentLength ?? null,
    id: request.id,
    headers: [...request.headers],
    bodyBytes,
    bodySha256: hash.digest("hex"),
    trailers: [...(await request.trailers)],
  };
  response.headers.set("content-type", "application/json");
  await response.end(JSON.stringify(described));
}
