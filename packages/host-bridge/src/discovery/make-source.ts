import type { Logger } from "@servehttp/contract";
import type { DiscoverSettings, UrlSettings } from "../options/read-options.js";
import { readNamingUrl } from "../options/naming-url.js";
import type { Clock } from "../process/clock.js";
import type { AddressSource } from "./address-source.js";
import { DiscoverSource } from "./discover-source.js";
import { DnsLookup } from "./dns-lookup.js";
import { FixedSource } from "./fixed-source.js";
import { MergedSource } from "./merged-source.js";
import { NameSource } from "./name-source.js";

/** Makes what tells where a plugin's instances are; undefined where its urls say that themselves. */
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
  const isSecure = settings.tls !== undefined;
  const sources = settings.url.map((url) => {
    const naming = readNamingUrl(url);
    const lookup = new DnsLookup(naming?.server);
    return naming && new NameSource({ url, naming, isSecure, lookup, ...tools });
  });
  const named = sources.filter((source) => source !== undefined);
  if (named.length === 0) {
    return undefined;
  }
  const fixed = settings.url.filter((_url, index) => sources[index] === undefined);
  return new MergedSource(fixed.length === 0 ? named : [new FixedSource(fixed), ...named]);
}
