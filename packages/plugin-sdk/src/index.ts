export {
  type ErrorCode,
  type ExchangeErrorCode,
  type Logger,
  ServeHTTPError,
  type UsageErrorCode,
} from "@servehttp/contract";
export type { FetchContext, FetchHandler } from "./adapters/fetch.js";
export { pluginRequestOf } from "./adapters/node-request.js";
export type { NodeHandler } from "./adapters/node.js";
export type { PluginHandler, ServeHTTPHandler } from "./adapters/to-serve-http.js";
export type { UpgradeListener } from "./adapters/upgrade.js";
export { HeaderList } from "./handler/header-list.js";
export type {
  PluginCallBody,
  PluginCallInit,
  PluginCallResponse,
  PluginCalls,
} from "./handler/plugin-calls.js";
export type { BufferOptions, PluginRequest } from "./handler/plugin-request.js";
export type { LogDetails, RequestLog } from "./handler/request-log.js";
export type { HeadersInput, HeaderValue, WriteHeadHeaders } from "./handler/read-headers.js";
export type { HijackedConnection, ResponseWriter } from "./handler/response-writer.js";
export type { ServeHTTP } from "./handler/serve-http.js";
export type { PluginTlsOptions } from "./serve/plugin-tls-options.js";
export { servePlugin, type RunningPlugin, type ServePluginOptions } from "./serve/serve-plugin.js";
