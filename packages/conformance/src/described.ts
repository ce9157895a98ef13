import { strictEqual } from "node:assert/strict";
import {
  call,
  type HttpClient,
  type TestRequest,
  type TestResponse,
} from "servehttp-conformance/testing";
import type { DescribedRequest } from "./describe-request.js";

/** Sends a request and returns what the handler saw of it. */
export async function described(
  client: HttpClient,
  request: TestRequest,
): Promise<DescribedRequest> {
  return descriptionIn(await call(client, request));
}

/** The description in a response of the describing handler. */
export function descriptionIn(response: Pick<TestResponse, "status" | "body">): DescribedRequest {
  const text = Buffer.from(response.body).toString("utf8");
  strictEqual(response.status, 200, text);
  return JSON.parse(text) as DescribedRequest;
}
