import { existsSync, readFileSync } from "node:fs";
import { defineConfig } from "rolldown";

/**
 * Joins the modules of the package in the current directory into as few files as its entries allow:
 * most of the time that a plugin takes to start went into finding and opening modules
 * (decisions/015). Reads what tsc has written to `dist/`, and writes `dist/bundle/`, to which
 * "exports" of package.json point.
 */
const folder = "./dist/bundle/";
const { dependencies, exports: entries } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
};

export default defineConfig({
  input: Object.fromEntries(
    Object.values(entries).map((entry) => [
      entry.default.slice(folder.length, -".js".length),
      entry.types.replace(/\.d\.ts$/, ".js"),
    ]),
  ),
  platform: "node",
  external: Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)),
  output: {
    dir: folder,
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    sourcemap: true,
  },
  plugins: [
    {
      name: "source-maps-of-tsc",
      load: (id) =>
        existsSync(`${id}.map`)
          ? { code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") }
          : undefined,
    },
  ],
});
