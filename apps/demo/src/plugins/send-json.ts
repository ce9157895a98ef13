import type { ResponseWriter } from "@servehttp/plugin-sdk";

/** Answers with a JSON document that no cache keeps. */
export async function sendJSON(
  response: ResponseWriter,
  status: number,
  value: unknown,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.headers.set("content-type", "application/json; charset=utf-8");
  response.headers.set("content-length", String(body.byteLength));
  response.headers.set("cache-control", "no-store");
  response.writeHead(status);
  await response.end(body);
}
