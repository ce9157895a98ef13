import { basePathBytesMax } from "@servehttp/contract";
import { type Refusal, refusal } from "../edge/refusal.js";
import type { Mount } from "./mounts.js";
import { pathStart } from "./request-target.js";

/**
 * What the client has sent in front of the plugin's own path. It is made anew only where a framework
 * has removed a mount path.
 *
 * @param path of the target that is left to route, with its query
 * @param idEnd where the plugin's id ends in it
 * @param mountPath by `mountPathOf`
 */
export function basePathOf(
  mount: Mount,
  publicPath: string,
  path: string,
  idEnd: number,
  mountPath: string,
): string | Refusal {
  if (mountPath === "") {
    return mount.basePath;
  }
  if (/^\/[/\\]/.test(mountPath)) {
    // A link that begins with it would lead to another host.
    return refusal(400, "an empty segment in front of the mount path");
  }
  const basePath = publicPath + mountPath + path.slice(0, idEnd);
  return basePath.length > basePathBytesMax
    ? refusal(414, "the path in front of the plugin is too long")
    : basePath;
}

/**
 * What a framework has removed in front of a path: `"/sub"`. Empty where it has removed nothing, or
 * the application has rewritten the url and nobody knows.
 */
export function mountPathOf(path: string, originalTarget: string): string {
  if (originalTarget.length <= path.length || !originalTarget.endsWith(path)) {
    return "";
  }
  const from = pathStart(originalTarget);
  const mountPath = from < 0 ? "" : originalTarget.slice(from, originalTarget.length - path.length);
  return mountPath.includes("?") ? "" : mountPath;
}
