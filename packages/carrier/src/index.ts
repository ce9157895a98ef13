export { connectCarrier, type HostCarrier } from "./connect-carrier.js";
export {
  authorityOf,
  connectHttp2,
  describeAddress,
  type PluginAddress,
  throwIfRefused,
} from "./connect.js";
export {
  ExchangeServer,
  type ExchangeServerOptions,
  type ListenAddress,
  type ServeRpc,
} from "./exchange-server.js";
export { mapEach } from "./messages/map-each.js";
export { MessageCarrier } from "./messages/message-carrier.js";
export { MessageHostCarrier } from "./messages/message-host-carrier.js";
export type { RpcMessages } from "./messages/rpc-messages.js";
export { networkLimits } from "./node/http2-settings.js";
export { KeptSession } from "./node/kept-session.js";
export type { PluginServices } from "./services/plugin-services.js";
export { ServingState } from "./services/serving-state.js";
export { isLent, returnView } from "./wire/lent-memory.js";
export { errorOfStatus, statusOf, statusText } from "./wire/grpc-status.js";
export { HostTls, type HostTlsOptions } from "./tls/host-tls.js";
export type { CertificateOptions } from "./tls/certificates.js";
export type { PluginTlsOptions } from "./tls/plugin-tls.js";
export { isSubjectAltName, subjectAltNameForms } from "./tls/subject-alt-names.js";
