import { strictEqual } from "node:assert/strict";
import type { Caller, CallerRequest, CallerResponse } from "./callers/caller.js";
import { call } from "./callers/caller.js";
import type { DescribedRequest } from "./describe-request.js";

/** Sends a request and returns what the handler saw of it. */
export async function described(caller: Caller, request: CallerRequest): Promise<DescribedRequest> {
  return descriptionIn(await call(caller, request));
}

/** The description in a response of the describing handler. */
export function descriptionIn(response: Pick<CallerResponse, "status" | "body">): DescribedRequest {
  const text = Buffer.from(response.body).toString("utf8");
  strictEqual(response.status, 200, text);
  return JSON.parse(text) as DescribedRequest;
}
