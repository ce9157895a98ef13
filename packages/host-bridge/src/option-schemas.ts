/**
 * `@servehttp/host-bridge/options`: what checks the options, for programs that read them from files,
 * such as the `servehttp` command. The schemas are zod's.
 */
export { didYouMean } from "./edge/did-you-mean.js";
export { invalidOption, optionError } from "./options/option-error.js";
export { isProxyRange } from "./edge/trusted-proxies.js";
export { hostSchema, pluginSchemas } from "./options/options.js";
export {
  type Given,
  listOf,
  oneOf,
  type Read,
  shape,
  text,
  value,
  whole,
} from "./edge/option-kinds.js";
