import { readFile } from "node:fs/promises";

/** A file of the dashboard. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  /** Whether its name changes with its content, so that browsers may keep it. */
  readonly isImmutable: boolean;
}

/** Where the build puts the dashboard: `index.html`, and everything else in `assets/`. */
const folder = new URL("../../dist/dashboard/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  woff2: "font/woff2",
};

/** The file at a path below the admin; undefined: there is none. */
export async function pageFile(path: string): Promise<PageFile | undefined> {
  const name =
    path === "/" ? "index.html" : /^\/(licenses\.txt|assets\/[\w-][\w.-]*)$/.exec(path)?.[1];
  const type = types[name?.split(".").at(-1) ?? ""];
  if (name === undefined || type === undefined) {
    return undefined;
  }
  try {
    const content = await readFile(new URL(name, folder));
    return { type, content, isImmutable: name.startsWith("assets/") };
  } catch {
    return undefined;
  }
}
