import { balanceSchema } from "../options/balance-options.js";
import type { HostedPluginSettings } from "../plugin/hosted-plugin.js";

/** The settings of a plugin, with limits that a test reaches; what is given counts first. */
export function hostedSettings(
  given: Pick<HostedPluginSettings, "clock" | "logger" | "makeInstances"> &
    Partial<HostedPluginSettings>,
): HostedPluginSettings {
  return {
    id: "notes",
    chunkBytes: 65_536,
    times: { headMs: 0, idleMs: 0, totalMs: 0 },
    drainMs: 1_000,
    maxInFlight: 100,
    balance: balanceSchema.parse({}),
    maxTunnels: 2,
    maxWaiting: 3,
    waitMs: 5_000,
    onReady: () => undefined,
    ...given,
  };
}
