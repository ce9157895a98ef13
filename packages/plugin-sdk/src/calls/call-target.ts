import { ServeHTTPError } from "@servehttp/contract";

/**
 * The request target of a call: "/", the id, and the path for the plugin. Percent-encodes what no
 * target may hold, drops a fragment, and leaves everything else as it is: nothing is decoded, and no
 * dot segment is resolved, which could name another plugin.
 *
 * @throws ServeHTTPError `invalid-argument` for an id that no plugin can have, or a path that does
 *   not begin with "/"
 */
export function callTarget(id: string, path: string): string {
  if (typeof id !== "string" || !/^[\w.-]{1,128}$/.test(id) || id === "." || id === "..") {
    throw invalid(
      `the id of the plugin is ${shown(id)}: allowed are letters, digits, "_", "." and "-"`,
    );
  }
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw invalid(`the path is ${shown(path)}: it has to begin with "/"`);
  }
  const end = path.indexOf("#");
  const target = end < 0 ? path : path.slice(0, end);
  return `/${id}${target.toWellFormed().replaceAll(notOfTargets, encodeURIComponent)}`;
}

/** Whole characters, so that one beyond U+FFFF is encoded as one. */
const notOfTargets = /[^!-~]/gu;

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : `of type ${typeof value}`;
}

function invalid(problem: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", problem);
}
