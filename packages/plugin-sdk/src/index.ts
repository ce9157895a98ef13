export type { ServeHTTP } from "./dispatcher.js";
export { HeaderList } from "./header-list.js";
export type { Logger } from "./logger.js";
export type { BufferOptions, PluginRequest } from "./plugin-request.js";
export type { HijackedConnection, ResponseWriter } from "./response-writer.js";
