export type {
  CertificateConfig,
  Config,
  IdentityConfig,
  ListenConfig,
  TargetPluginOptions,
  WatchConfig,
} from "./config/config.js";
export { type ConfigExport, defineConfig } from "./config/define-config.js";
