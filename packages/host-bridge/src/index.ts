export type { AttachOptions, NodeServer } from "./attach-listener.js";
export { createPluginHost, type PluginHost, type PluginStatus } from "./create-plugin-host.js";
export type { EdgeOptions } from "./edge-options.js";
export type { IdentityFields } from "./edge-policy.js";
export type { Outcome } from "./failure.js";
export type {
  CommandPluginOptions,
  HandlerPluginOptions,
  HostOptions,
  Limits,
  NodeRequest,
  NodeResponse,
  PluginOptions,
  Timeouts,
  TlsOptions,
  UrlPluginOptions,
} from "./options.js";
export type { InstanceState } from "./plugin-instance.js";
export { type ErrorCode, ServeHTTPError } from "@servehttp/contract";
