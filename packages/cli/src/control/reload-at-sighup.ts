import type { Companion } from "../run/running-host.js";

/** Reloads the config at SIGHUP. What is wrong with it is logged, and changes nothing. */
export const reloadAtSighup: Companion = async ({ config, context }) =>
  context.onSignal(["SIGHUP"], () => {
    config.reload().catch(() => undefined);
  });
