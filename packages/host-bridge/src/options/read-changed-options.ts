import { isDeepStrictEqual } from "node:util";
import { ServeHTTPError } from "@servehttp/contract";
import type { HostOptions } from "./options.js";
import { type HostSettings, readHostOptions } from "./read-options.js";

/** What is settled for as long as a host lives. */
const fixed = [
  "prefix",
  "publicPath",
  "enabled",
  "edge",
  "accessLog",
  "development",
  "chunkBytes",
] as const;

/**
 * Checks the options that a host is to be brought to.
 *
 * @param now what the host runs with
 * @param logger as it was given when the host was made
 * @throws ServeHTTPError `invalid-argument`, as `readHostOptions` does, and for each option that
 *   can't change while the host runs
 */
export function readChangedOptions(
  now: HostSettings,
  logger: HostOptions["logger"],
  given: HostOptions,
): HostSettings {
  // A logger of its own would be made in vain.
  const next = readHostOptions(withoutLogger(given));
  const changed: string[] = fixed.filter(
    (name) => !isDeepStrictEqual(comparable(now[name]), comparable(next[name])),
  );
  if (next.tracerProvider !== undefined && next.tracerProvider !== now.tracerProvider) {
    changed.push("tracerProvider");
  }
  if (given.logger !== logger) {
    changed.push("logger");
  }
  if (changed.length > 0) {
    throw new ServeHTTPError(
      "invalid-argument",
      `${changed.join(", ")}: can't change while the host runs; make a new host for that`,
    );
  }
  return { ...next, logger: now.logger, tracerProvider: now.tracerProvider };
}

/** A config that is read again makes another stream for the same place. */
function comparable(setting: HostSettings[(typeof fixed)[number]]): unknown {
  return typeof setting === "object" && "to" in setting && typeof setting.to === "object"
    ? { ...setting, to: "an object" }
    : setting;
}

/** Leaves what is no object to the check that says so. */
function withoutLogger(given: HostOptions): HostOptions {
  return typeof given === "object" && given !== null && !Array.isArray(given)
    ? { ...given, logger: false }
    : given;
}
