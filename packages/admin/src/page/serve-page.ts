import { sendHead } from "../answer/answer.js";
import type { AdminRequest, AdminResponse } from "../answer/node-types.js";
import { pageFile } from "./page-file.js";

/**
 * Serves the dashboard's files. They hold nothing secret, and need no token. Resolves with false
 * where the request is for something else.
 */
export async function servePage(
  request: AdminRequest,
  response: AdminResponse,
  path: string,
): Promise<boolean> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return false;
  }
  const slash = path === "/" ? missingSlash(request) : undefined;
  if (slash !== undefined) {
    sendHead(response, 308, { location: slash });
    response.end();
    return true;
  }
  const file = await pageFile(path);
  if (file === undefined) {
    return false;
  }
  sendHead(response, 200, {
    "cache-control": file.isImmutable ? "private, max-age=31536000, immutable" : "no-cache",
    "content-type": file.type,
    "content-length": String(file.content.length),
  });
  response.end(file.content);
  return true;
}

/**
 * Below a prefix, the address of the page has to end in a slash, because its own addresses are
 * relative. Undefined where it does.
 */
function missingSlash({ originalUrl, url }: AdminRequest): string | undefined {
  const [path = "", query] = (originalUrl ?? url ?? "").split(/\?(.*)/s);
  if (path.endsWith("/")) {
    return undefined;
  }
  // Relative, so that it can lead to no other host.
  return `./${path.split("/").at(-1)}/${query === undefined ? "" : `?${query}`}`;
}
