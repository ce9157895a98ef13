export type { PluginReload } from "./plugin-reloads.js";
export { pluginFiles, type PluginWatch, watchPlugins, type WatchOptions } from "./watch-plugins.js";
