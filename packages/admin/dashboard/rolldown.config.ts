import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundleAsync } from "lightningcss";
import { defineConfig, type OutputBundle } from "rolldown";

/**
 * Makes static files of the dashboard, in `dist/dashboard`: a page, and in `assets/` a script, a
 * stylesheet and an icon with their hashes in their names, so that browsers may keep them for ever.
 * Run it in packages/admin.
 */
const here = "dashboard/src";
const { resolve } = createRequire(import.meta.url);
/** What becomes a part of the script. Their licences ask to be named wherever they go. */
const libraries = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

export default defineConfig({
  input: { dashboard: `${here}/main.tsx` },
  platform: "browser",
  tsconfig: "dashboard/tsconfig.json",
  transform: { target: "es2022" },
  output: {
    dir: "dist/dashboard",
    cleanDir: true,
    minify: true,
    comments: false,
    entryFileNames: "assets/[name]-[hash].js",
    assetFileNames: "assets/[name]-[hash][extname]",
  },
  plugins: [
    {
      name: "page",
      async generateBundle(_, bundle) {
        const style = this.emitFile({
          type: "asset",
          name: "dashboard.css",
          source: await stylesheet(),
        });
        const icon = this.emitFile({
          type: "asset",
          name: "icon.svg",
          source: await readFile(`${here}/icon.svg`),
        });
        const names = {
          "{script}": entryOf(bundle),
          "{style}": this.getFileName(style),
          "{icon}": this.getFileName(icon),
        };
        const page = await readFile(`${here}/index.html`, "utf8");
        this.emitFile({
          type: "asset",
          fileName: "index.html",
          source: page.replace(/\{\w+\}/g, (name) => names[name as keyof typeof names]),
        });
        this.emitFile({ type: "asset", fileName: "licenses.txt", source: await licences() });
      },
    },
  ],
});

function entryOf(bundle: OutputBundle): string {
  const entry = Object.values(bundle).find((one) => one.type === "chunk" && one.isEntry);
  if (entry === undefined) {
    throw new Error("rolldown has made no script");
  }
  return entry.fileName;
}

async function stylesheet(): Promise<Uint8Array> {
  const { code } = await bundleAsync({
    filename: `${here}/style/dashboard.css`,
    minify: true,
    resolver: {
      resolve: (specifier, from) =>
        specifier.startsWith(".") ? join(dirname(from), specifier) : resolve(specifier),
    },
  });
  return code;
}

async function licences(): Promise<string> {
  const texts = libraries.map(async (name) => {
    const folder = join(dirname(resolve(name)), "..");
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
      readonly version: string;
    };
    return `${name} ${version}\n\n${await readFile(join(folder, "LICENSE"), "utf8")}`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(78)}\n\n`);
}
