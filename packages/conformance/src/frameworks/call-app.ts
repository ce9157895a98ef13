import { once } from "node:events";
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { sha256 } from "../seeded-bytes.js";
import type { AppAddress } from "./served-app.js";

/** A response with all of its body. */
export interface SiteAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

/** What a request may have beside its path. */
export interface AppRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Opens a request to an application, on a connection of its own; `path` is the application's. */
export function openRequest(
  app: AppAddress,
  path: string,
  options: AppRequest = {},
): ClientRequest {
  return httpRequest({
    host: "127.0.0.1",
    port: app.port,
    path: app.base + path,
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    headers: options.headers ?? {},
    agent: false,
  });
}

/** Calls an application, and reads its answer whole. */
export async function callApp(
  app: AppAddress,
  path: string,
  options: AppRequest = {},
): Promise<SiteAnswer> {
  const request = openRequest(app, path, options);
  request.end(options.body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const body = Buffer.concat(await response.toArray());
  const { statusCode: status = 0, headers, trailers } = response;
  return { status, headers, body, trailers };
}

/** Calls an application, and gives its answer as soon as the head is there. */
export async function openAnswer(
  app: AppAddress,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const request = openRequest(app, path, { headers });
  request.on("error", () => {
    // Once the response is there, it is the response that fails; before, `once` does.
  });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** The answer's body as text. */
export function textOf(answer: SiteAnswer): string {
  return answer.body.toString();
}

/** The answer's body as JSON. */
export function jsonOf(answer: SiteAnswer): unknown {
  return JSON.parse(answer.body.toString());
}

/**
 * An answer without the fields of its connection and its date, and without the application's base
 * path, which pages name ("Cannot GET /plugins/notes/x").
 */
export function comparable(answer: SiteAnswer, base: string): object {
  const text = answer.body.toString("latin1");
  const body = Buffer.from(base === "" ? text : text.replaceAll(base, ""), "latin1");
  const shorter = answer.body.length - body.length;
  const headers = Object.entries(answer.headers)
    .filter(([name]) => !ofConnection.has(name))
    .map(([name, value]) => [
      name,
      name === "content-length" ? String(Number(value) - shorter) : value,
    ]);
  // `@hono/node-server`, which serves Hono directly, has a Response that puts a space there.
  const type = answer.headers["content-type"]?.replace("; ", ";");
  return {
    status: answer.status,
    headers: { ...Object.fromEntries(headers), "content-type": type },
    sha256: sha256(body),
  };
}

const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

/** The cookies of an answer, as a client sends them back. */
export function cookiesOf(answer: SiteAnswer): string {
  return (answer.headers["set-cookie"] ?? [])
    .map((cookie) => cookie.slice(0, cookie.indexOf(";")))
    .join("; ");
}

/** A form with a title and a file, as a browser sends it. */
export async function formWithFile(bytes: Uint8Array<ArrayBuffer>): Promise<AppRequest> {
  const form = new FormData();
  form.set("title", "a title");
  form.set("file", new File([bytes], "file.bin", { type: "application/octet-stream" }));
  const encoded = new Response(form);
  return {
    headers: { "content-type": encoded.headers.get("content-type") ?? "" },
    body: new Uint8Array(await encoded.arrayBuffer()),
  };
}

/** A request with JSON. */
export function jsonRequest(value: unknown): AppRequest {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
