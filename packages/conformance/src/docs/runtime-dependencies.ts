import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pageAt } from "./pages.js";

/** A package of somebody else's that users of ours install. */
export interface RuntimeDependency {
  readonly name: string;
  readonly version: string;
  /** Which of our packages name it, without their scope. */
  readonly neededBy: readonly string[];
  /** What it brings along, itself included: names of packages. */
  readonly tree: readonly string[];
  /** What it and its tree take on disk. */
  readonly bytes: number;
}

interface Description {
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The folders of the packages that are published. */
const published = readdirSync(fileURLToPath(pageAt("packages"))).filter(
  (folder) => described(`packages/${folder}`).private !== true,
);

/** Every runtime dependency of the published packages, in alphabetical order. */
export function runtimeDependencies(): RuntimeDependency[] {
  const neededBy = new Map<string, string[]>();
  for (const ours of published) {
    for (const name of Object.keys(described(`packages/${ours}`).dependencies ?? {})) {
      if (!isOurs(name)) {
        neededBy.set(name, [...(neededBy.get(name) ?? []), ours]);
      }
    }
  }
  const found = Array.from(neededBy, ([name, ours]) => {
    const tree = [...treeOf(name)];
    return {
      name,
      version: described(folderOf(name)).version,
      neededBy: ours,
      tree,
      bytes: sizeOfPackages(tree),
    };
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const isOurs = (name: string) => name === "servehttp" || name.startsWith("@servehttp/");

/** Where a package is installed: beside the one that needs it, where another version is at the top. */
function folderOf(name: string): string {
  const folders = ["packages/cli/node_modules", "node_modules"].map((one) => `${one}/${name}`);
  return folders.find((one) => existsSync(pageAt(`${one}/package.json`))) ?? `node_modules/${name}`;
}

/** What an installation of one of our packages takes, with all that it brings along. */
export function installation(ours: string): { readonly packages: number; readonly bytes: number } {
  const tree = treeOf(ours);
  const others = [...tree].filter((name) => !isOurs(name));
  return { packages: tree.size, bytes: sizeOfPackages(others) };
}

function treeOf(name: string, seen = new Set<string>()): Set<string> {
  if (!seen.has(name)) {
    seen.add(name);
    for (const other of Object.keys(described(folderOf(name)).dependencies ?? {})) {
      treeOf(other, seen);
    }
  }
  return seen;
}

function described(path: string): Description {
  return JSON.parse(readFileSync(pageAt(`${path}/package.json`), "utf8")) as Description;
}

function sizeOfPackages(names: readonly string[]): number {
  const folders = names.map((name) => fileURLToPath(pageAt(folderOf(name))));
  return folders.reduce((sum, folder) => sum + sizeOf(folder), 0);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === "node_modules" ? sum : sum + sizeOf(path);
    }
    return sum + statSync(path).size;
  }, 0);
}
