export { connectCarrier, type HostCarrier } from "./connect-carrier.js";
export { authorityOf, connectHttp2, describeAddress, type PluginAddress } from "./connect.js";
export {
  ExchangeServer,
  type ExchangeServerOptions,
  type ListenAddress,
} from "./exchange-server.js";
export { KeptSession } from "./node/kept-session.js";
