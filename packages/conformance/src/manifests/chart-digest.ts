import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The chart, and the manifests that are rendered from it. */
export const deploy = fileURLToPath(new URL("../../../../deploy/", import.meta.url));
export const chart = join(deploy, "helm/servehttp");

/** The names of the rendered manifests; `NAME.values.yaml` beside each has its values. */
export const manifestNames = ["plain", "full"] as const;

/** Where a rendered manifest is. */
export function manifestPath(name: string): string {
  return join(deploy, "kubernetes", `${name}.yaml`);
}

/** Where the values are that it is rendered with. */
export function valuesPath(name: string): string {
  return join(deploy, "kubernetes", `${name}.values.yaml`);
}

/** What a manifest was rendered from: a digest of the chart's files and its values. */
export function chartDigest(name: string): string {
  const files = readdirSync(chart, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name: file, parentPath }) => join(parentPath, file))
    .toSorted();
  const digest = createHash("sha256");
  for (const path of [...files, valuesPath(name)]) {
    const bytes = readFileSync(path);
    digest.update(`${path.slice(deploy.length)} ${bytes.length}\n`).update(bytes);
  }
  return digest.digest("hex");
}

/** The line of a manifest that says what it was rendered from. */
export function digestLine(name: string): string {
  return `# Rendered by npm run manifests -w @servehttp/conformance, from ${chartDigest(name)}.`;
}
