import type { Logger } from "@servehttp/contract";
import type { DiscoverSettings, UrlSettings } from "../options/read-options.js";
import type { Clock } from "../process/clock.js";
import type { AddressSource } from "./address-source.js";
import { DiscoverSource } from "./discover-source.js";

/** Makes what tells where a plugin's instances are; undefined where its urls say it. */
export function makeSource(
  settings: UrlSettings | DiscoverSettings,
  tools: {
    readonly clock: Clock;
    readonly chance: () => number;
    /** Names the plugin in each record. */
    readonly logger: Required<Logger>;
  },
): AddressSource | undefined {
  if (settings.kind === "discover") {
    return new DiscoverSource({ pluginId: settings.id, discover: settings.discover, ...tools });
  }
  return undefined;
}
