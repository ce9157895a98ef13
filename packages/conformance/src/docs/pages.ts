import { readdirSync } from "node:fs";

const root = new URL("../../../../", import.meta.url);

/** A page from its path in the repository. */
export function pageAt(path: string): URL {
  return new URL(path, root);
}

/** The pages for users: the README, those of the packages, and docs/. */
export function userPages(): readonly string[] {
  const packages = [
    "contract",
    "carrier",
    "host-bridge",
    "admin",
    "plugin-sdk",
    "cli",
    "conformance-kit",
  ];
  return [
    "README.md",
    ...packages.map((name) => `packages/${name}/README.md`),
    ...readdirSync(pageAt("docs/"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  ];
}
