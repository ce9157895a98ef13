import { createHash } from "node:crypto";
import type { PluginRequest, ResponseWriter } from "@servehttp/plugin-sdk";
import { seededChunks } from "../seeded-bytes.js";

/**
 * What a load asks for, whose answers it checks byte by byte.
 *
 *     GET  /bytes?seed=S&size=N  N random bytes that the seed fixes, without a Content-Length
 *     POST /hash                 the SHA-256 of the body, in hex
 *     POST /echo                 the body, chunk by chunk
 *
 * @returns false for any other path, of which nothing was answered
 */
export async function serveBytes(
  request: PluginRequest,
  response: ResponseWriter,
): Promise<boolean> {
  const url = new URL(request.url, "http://plugin");
  switch (url.pathname) {
    case "/bytes": {
      const size = Number(url.searchParams.get("size"));
      for (const chunk of seededChunks(url.searchParams.get("seed") ?? "", size)) {
        await response.write(chunk);
      }
      break;
    }
    case "/hash": {
      const hash = createHash("sha256");
      for await (const chunk of request.body) {
        hash.update(chunk);
      }
      await response.write(hash.digest("hex"));
      break;
    }
    case "/echo":
      for await (const chunk of request.body) {
        await response.write(chunk);
      }
      break;
    default:
      return false;
  }
  await response.end();
  return true;
}
