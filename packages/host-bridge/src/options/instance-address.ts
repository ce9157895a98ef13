import { z } from "zod";
import { type Given, type Read, shape, text, whole } from "../edge/option-kinds.js";
import { isPluginUrl, urlForms } from "../syntax/plugin-url.js";
import { optionError } from "./option-error.js";

const addressKeys = {
  /**
   * `"http://host:port"`, `"https://host:port"` or `"unix:/path"`. It names the instance: the same
   * URL in the next list is the same instance.
   */
  url: text(`${urlForms}, without path, query and credentials`, isPluginUrl),
  /** Its share of the exchanges against others of the same priority, 1 to 65,535. Default: 1. */
  weight: whole(1, 65_535).default(1),
  /**
   * Those with a higher number get exchanges only while none with a lower one is ready: another
   * zone, say. 0 to 65,535. Default: 0.
   */
  priority: whole(0, 65_535).default(0),
  /** True: it gets nothing new, and what runs on it may end. Default: false. */
  terminating: z.boolean("true or false").default(false),
};

/** Where an instance of a plugin is, as `discover` tells it. */
export interface InstanceAddress extends Given<typeof addressKeys, "url"> {}

/** The same, with every default filled in. */
export interface KnownAddress extends Read<typeof addressKeys> {}

/** An address that is like all others. */
export function knownAddress(url: string): KnownAddress {
  return { url, weight: 1, priority: 0, terminating: false };
}

export const instanceAddressSchema = shape(addressKeys);

const listSchema = z
  .array(instanceAddressSchema, "an array of addresses")
  .refine((list) => new Set(list.map(({ url }) => url)).size === list.length, {
    error: "an array of addresses, each url once",
  });

/**
 * Checks what `discover` has yielded.
 *
 * @throws ServeHTTPError `invalid-argument`, one line: what was given, what is allowed
 */
export function readAddresses(pluginId: string, given: unknown): readonly KnownAddress[] {
  const result = listSchema.safeParse(given);
  if (!result.success) {
    throw optionError(result.error, ["plugins", pluginId, "discover"], given);
  }
  return result.data;
}
