export {
  authorityOf,
  connectHttp2,
  connectDedicated,
  describeAddress,
  type PluginAddress,
} from "./connect.js";
export {
  ExchangeServer,
  type ExchangeServerOptions,
  type ListenAddress,
} from "./exchange-server.js";
export { HostMux } from "./mux/host-mux.js";
export { HostStreamExchange } from "./stream/host-stream-exchange.js";
export type { DedicatedConnection } from "./http2/dedicated-connection.js";
export { dedicatedMuxHeaders, rpcHeaders, serveHTTPPath } from "./wire/rpc-paths.js";
export { WireWriter } from "./wire/wire-writer.js";
