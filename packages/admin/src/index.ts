export type { ExchangePage, OpenExchange } from "./api/exchange.js";
export type { PluginEvent, RemovedEvent, SampleEvent } from "./api/event.js";
export type { Health, HostInfo } from "./api/host.js";
export type { LogLevel, LogRecord } from "./api/log.js";
export { type OpenApi, openApi } from "./api/open-api.js";
export type {
  Failure,
  Plugin,
  PluginDetail,
  PluginList,
  PluginWithSeries,
  Sample,
  Series,
  StateChange,
} from "./api/plugin.js";
export type { Problem, ProblemCode } from "./api/problem.js";
export type { AdminOptions } from "./admin-options.js";
export { type Admin, createAdmin } from "./create-admin.js";
export type { AdminRequest, AdminResponse } from "./answer/node-types.js";
