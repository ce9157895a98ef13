import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The files in `public/` by their path on the site: a fixed list, so that no request ever names a
 * file.
 */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const directory = fileURLToPath(new URL("../public/", import.meta.url));
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(directory)) {
    const type = types[extname(name)];
    if (type === undefined) {
      throw new Error(`public/${name}: no media type known for it`);
    }
    files.set(name === "index.html" ? "/" : `/${name}`, {
      type,
      body: readFileSync(directory + name),
    });
  }
  return files;
}
