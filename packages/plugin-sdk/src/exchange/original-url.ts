import type { RequestInit } from "@servehttp/contract";

type Target = Pick<RequestInit, "basePath" | "fullPath" | "requestUri" | "url">;

/**
 * Path and query as the client sent them. For a client that has sent the base path alone, `url` is
 * "/", which the client has not sent.
 */
export function originalUrlOf({ basePath, fullPath, requestUri, url }: Target): string {
  if (fullPath || basePath === "") {
    return url;
  }
  return isRoot(url) && !pathEndsInSlash(requestUri) ? basePath + url.slice(1) : basePath + url;
}

/** Whether a url is "/", perhaps with a query. */
function isRoot(url: string): boolean {
  return url.length === 1 || url.charCodeAt(1) === 0x3f;
}

function pathEndsInSlash(target: string): boolean {
  const query = target.indexOf("?");
  return target.charCodeAt((query < 0 ? target.length : query) - 1) === 0x2f;
}
