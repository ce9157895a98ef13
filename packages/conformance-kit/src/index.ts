export { type HostKitOptions, runHostKit } from "./run-host-kit.js";
export { type KitOptions, runKit } from "./run-kit.js";
export { NotReady } from "./plugin/plugin-under-test.js";
export type { RunOptions } from "./run-checks.js";
export type { Outcome, Report, Result } from "./report/result.js";
export { UsageError } from "./usage-error.js";
export type { CarrierName } from "./wire/host.js";
