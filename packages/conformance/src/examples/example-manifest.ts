import { readFileSync } from "node:fs";

/** What counts of an example's `package.json`. */
export interface ExampleManifest {
  readonly scripts: Readonly<Record<string, string>>;
  /** Every dependency with its exact version. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Reads the manifest of an example in `examples/`. */
export function exampleManifest(name: string): ExampleManifest {
  const path = new URL(`../../../../examples/${name}/package.json`, import.meta.url);
  const manifest = JSON.parse(readFileSync(path, "utf8")) as {
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  const versions = { ...manifest.dependencies, ...manifest.devDependencies };
  return { scripts: manifest.scripts, versions };
}
