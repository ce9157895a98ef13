import type { IncomingMessage } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import type { HostRequest } from "../client/node-types.js";
import { refusalProxyError } from "../exchange/failure.js";
import { NodeIncomingRequest } from "../node/request.js";
import { isPlainPath } from "../routing/plain-path.js";
import { pathStart } from "../routing/request-target.js";
import { answer } from "./answer.js";
import type { Listener } from "./listener.js";

/** A host, to whatever hands requests to it. */
export interface MountedHost {
  readonly serve: Listener;
  /** Whether a request may upgrade to a protocol that it offers. Asked where `isRouted` says yes. */
  readonly mayUpgrade: (request: IncomingMessage) => boolean;
  /** Whether a request is for a plugin. */
  readonly isRouted: (request: HostRequest) => boolean;
  /**
   * Tells `host.listener` that the client of this request waits for a 100 (Continue), which has not
   * been sent.
   */
  readonly awaitsContinue: (request: HostRequest) => void;
}

/**
 * A host below a path, for requests that do not pass through the application that has mounted it
 * there. It treats them as Connect does: inside, `url` begins behind the mount path, and
 * `originalUrl` is what the client has sent.
 *
 * @throws ServeHTTPError `invalid-argument` for a mount path that is none
 */
export function mountedHost(host: MountedHost, mountPath: string): MountedHost {
  if (!isPlainPath(mountPath)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `attach.mountPath: got ${JSON.stringify(mountPath)}, allowed is a path such as "/sub", without a query: segments of letters, digits, ".", "_", "~" and "-"`,
    );
  }
  const path = mountPath.endsWith("/") ? mountPath.slice(0, -1) : mountPath;
  const serve: Listener = (request, response, next, entry) => {
    const leave = enter(request, path);
    if (leave !== undefined) {
      const leaveFirst = next && (() => (leave(), next()));
      host.serve(request, response, leaveFirst, entry);
    } else if (next === undefined) {
      answer(new NodeIncomingRequest(request, response, entry), 404, refusalProxyError(404));
    } else {
      next();
    }
  };
  const isRouted = (request: HostRequest): boolean => {
    const leave = enter(request, path);
    try {
      return leave !== undefined && host.isRouted(request);
    } finally {
      leave?.();
    }
  };
  return { ...host, serve, isRouted };
}

/**
 * Takes a mount path off a request. Returns what puts it back; undefined where the request is not
 * below it.
 */
function enter(request: HostRequest, mountPath: string): (() => void) | undefined {
  const { url = "", originalUrl } = request;
  const at = pathStart(url);
  const end = at + mountPath.length;
  if (at < 0 || !url.startsWith(mountPath, at) || !["/", "?", ""].includes(url.charAt(end))) {
    return undefined;
  }
  const slash = url.charAt(end) === "/" ? "" : "/";
  request.url = url.slice(0, at) + slash + url.slice(end);
  request.originalUrl = originalUrl ?? url;
  return () => {
    request.url = url;
    if (originalUrl === undefined) {
      delete request.originalUrl;
    }
  };
}
