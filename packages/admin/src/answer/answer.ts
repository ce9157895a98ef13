import type { ServerResponse } from "node:http";
import type { CallProblem } from "./call-problem.js";
import type { AdminResponse } from "./node-types.js";

/**
 * Goes with every answer. Nothing but the admin's own scripts runs in its pages, nobody frames them,
 * and nothing that is secret is stored by a browser or told to other sites.
 */
const securityHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Sends the head of an answer. HTTP/2's `writeHead` is the same, but not to the compiler. */
export function sendHead(
  response: AdminResponse,
  status: number,
  fields: Readonly<Record<string, string>> = {},
): void {
  // Node's HTTP/2 throws where the client has left.
  if (!hasLeft(response)) {
    (response as ServerResponse).writeHead(status, { ...securityHeaders, ...fields });
  }
}

function hasLeft(response: AdminResponse): boolean {
  return "stream" in response ? response.stream.destroyed : response.destroyed;
}

/** Answers with JSON. */
export function answerJson(response: AdminResponse, status: number, body: object): void {
  answerText(response, status, "application/json", `${JSON.stringify(body)}\n`);
}

/** Answers that it is done, and nothing else. */
export function answerNothing(response: AdminResponse): void {
  sendHead(response, 204);
  response.end();
}

/** Answers what was wrong. Where something has been answered by now, the connection is closed. */
export function answerProblem(response: AdminResponse, { body, headers }: CallProblem): void {
  if (response.headersSent) {
    breakOff(response);
    return;
  }
  const text = `${JSON.stringify(body)}\n`;
  answerText(response, body.status, "application/problem+json", text, headers);
}

/** Ends a response in the middle. */
export function breakOff(response: AdminResponse): void {
  ("stream" in response ? response.stream : response).destroy();
}

function answerText(
  response: AdminResponse,
  status: number,
  type: string,
  text: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const length = String(Buffer.byteLength(text));
  sendHead(response, status, { ...more, "content-type": type, "content-length": length });
  response.end(text);
}
