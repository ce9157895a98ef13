export { ServeHTTPError, type ErrorCode } from "@servehttp/contract";
export type { FetchContext, FetchHandler } from "./adapters/fetch.js";
export type { ServeHTTP } from "./dispatcher.js";
export type { PluginHandler, ServeHTTPHandler } from "./handler.js";
export { HeaderList } from "./header-list.js";
export type { Logger } from "./logger.js";
export type { BufferOptions, PluginRequest } from "./plugin-request.js";
export type { HijackedConnection, ResponseWriter } from "./response-writer.js";
export { servePlugin, type RunningPlugin, type ServePluginOptions } from "./serve-plugin.js";
