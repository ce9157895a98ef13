/**
 * `@servehttp/admin/command`: what the `servehttp` command shares with the API, so that both do and
 * show the same.
 */
export { checkAdminToken } from "./access/access-token.js";
export type { Percentiles } from "./record/head-percentiles.js";
export { FiguresOfPlugins, type PluginFigures } from "./record/plugin-figures.js";
export { actOnPlugin, type PluginAction, pluginActions } from "./routes/plugin-action.js";
export { wantsExport } from "./otlp/otlp-environment.js";
