import { fileURLToPath } from "node:url";

/** The path of a plugin of the tests, built. */
export function pluginPath(name: "hello"): string {
  return fileURLToPath(new URL(`../../dist/test-rig/plugins/${name}.js`, import.meta.url));
}
