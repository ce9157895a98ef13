export type {
  CertificateConfig,
  Config,
  ListenConfig,
  TargetPluginOptions,
} from "./config/config.js";
export { type ConfigExport, defineConfig } from "./config/define-config.js";
