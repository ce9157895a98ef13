export {
  authorityOf,
  connectHttp2,
  connectRpc,
  describeAddress,
  type PluginAddress,
} from "./connect-http2.js";
export {
  type AcceptExchange,
  ExchangeServer,
  type ExchangeServerOptions,
  type ListenAddress,
} from "./exchange-server.js";
export { HostMux } from "./host-mux.js";
export { HostStreamExchange } from "./host-stream-exchange.js";
export type { RpcConnection } from "./rpc-connection.js";
export { dedicatedMuxHeaders, rpcHeaders, serveHTTPPath } from "./rpc-paths.js";
export { WireWriter } from "./wire-writer.js";
