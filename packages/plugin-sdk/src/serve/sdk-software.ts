import { sdkVersion } from "../tracing/sdk-version.js";

/**
 * Who answers, as `Describe` tells hosts: this package, then the engine that runs it, each with its
 * version.
 */
export function sdkSoftware(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): string {
  return `servehttp-plugin-sdk/${sdkVersion} ${engineOf(versions)}`;
}

/** Bun and Deno also name the version of Node whose interfaces they offer. */
function engineOf({ bun, deno, node }: Readonly<Record<string, string | undefined>>): string {
  if (bun !== undefined) {
    return `bun/${bun}`;
  }
  return deno === undefined ? `node/${node ?? "unknown"}` : `deno/${deno}`;
}
