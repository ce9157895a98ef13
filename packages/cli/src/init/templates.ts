import { cpSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { version } from "../context/version.js";

/** What a new plugin can be made from. */
export const templateNames = [
  "js",
  "ts",
  "fetch",
  "hono",
  "express",
  "fastify",
  "python",
  "go",
] as const;
export type TemplateName = (typeof templateNames)[number];

const templates = fileURLToPath(new URL("../../templates/", import.meta.url));

/**
 * Copies a template. `{{name}}` and `{{version}}` in its files become the plugin's name and the
 * version of this package, and `_gitignore` becomes `.gitignore`, which npm would leave out of a
 * package. Returns the paths of the files.
 */
export function copyTemplate(
  template: TemplateName,
  directory: string,
  name: string,
): readonly string[] {
  cpSync(join(templates, template), directory, { recursive: true, filter: isPartOfTemplate });
  renameSync(join(directory, "_gitignore"), join(directory, ".gitignore"));
  const files = readdirSync(join(templates, template), { recursive: true, encoding: "utf8" })
    .filter((path) => isPartOfTemplate(path) && statSync(join(templates, template, path)).isFile())
    .map((path) => (path === "_gitignore" ? ".gitignore" : path));
  for (const path of files) {
    const text = readFileSync(join(directory, path), "utf8");
    const filled = text.replaceAll("{{name}}", name).replaceAll("{{version}}", version);
    writeFileSync(join(directory, path), filled);
  }
  return files.toSorted();
}

function isPartOfTemplate(path: string): boolean {
  return !/node_modules|__pycache__/.test(path.slice(templates.length));
}
