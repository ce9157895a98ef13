export type { ExchangeWait, OpenExchange, OpenExchangeState } from "./exchange/open-exchange.js";
export { watchConnections } from "./client/connection-listeners.js";
export type { NodeServer } from "./client/node-types.js";
export type { AttachOptions } from "./server/attach.js";
export {
  createPluginHost,
  createWorkerHost,
  type DiagnosticsOptions,
  type PluginHost,
  type ReloadOptions,
  type StopOptions,
} from "./create-plugin-host.js";
export type { EdgeOptions, StripOptions } from "./edge/edge-options.js";
export type { IdentityFields } from "./edge/read-identity.js";
export type { RequestClient } from "./edge/request-client.js";
export type { TraceContextFields } from "./edge/request-fields.js";
export type { Outcome, RequestOutcome } from "./observation/outcome.js";
export type {
  ObservedRequest,
  RequestObserver,
  RequestTrace,
} from "./observation/request-observer.js";
export type { LogLevel, LogRecord, LogRecordLevel } from "./options/log-records.js";
export type {
  AccessLogOptions,
  AddressPluginOptions,
  CommandPluginOptions,
  DevelopmentOptions,
  DiscoverPluginOptions,
  HandlerPluginOptions,
  HostOptions,
  LimitOptions,
  Limits,
  NodeRequest,
  NodeResponse,
  PluginOptions,
  SharedPluginOptions,
  TimeoutOptions,
  Timeouts,
  TlsOptions,
  UrlPluginOptions,
} from "./options/options.js";
export type {
  AffinityOptions,
  BalanceOptions,
  OutlierOptions,
  SlowStartOptions,
} from "./options/balance-options.js";
export type { InstanceAddress } from "./options/instance-address.js";
export type { InstanceState } from "./plugin/kept-connection.js";
export type { PluginChanges } from "./plugin/plugin-changes.js";
export type { PluginFailure } from "./plugin/plugin-failure.js";
export type { HeadTimes } from "./plugin/head-times.js";
export type { InstanceServing, InstanceStatus } from "./plugin/instance-status.js";
export type { PluginStatus } from "./plugin/plugin-status.js";
export {
  acceptProxyProtocol,
  type ProxyProtocolOptions,
} from "./proxy-protocol/accept-proxy-protocol.js";
export {
  type ErrorCode,
  type ExchangeErrorCode,
  type Logger,
  ServeHTTPError,
  type UsageErrorCode,
} from "@servehttp/contract";
export type { ProcessChannel } from "./workers/process-channel.js";
