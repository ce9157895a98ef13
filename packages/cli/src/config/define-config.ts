import type { Config } from "./config.js";

/** What a config exports by default: the options, or a function that makes them. */
export type ConfigExport = Config | Promise<Config> | (() => Config | Promise<Config>);

/**
 * Returns what it is given. It gives editors the types of a config.
 *
 * ```ts
 * import { defineConfig } from "servehttp";
 *
 * export default defineConfig({ plugins: { notes: "./notes.js" }, listen: "127.0.0.1:8080" });
 * ```
 */
export function defineConfig<Given extends ConfigExport>(config: Given): Given {
  return config;
}
