import { type Logger, ServeHTTPError } from "@servehttp/contract";
import { guardLogger } from "../exchange/guard-logger.js";
import { stderrLogger } from "./stderr-logger.js";

/**
 * The logger that an option names: false for none, undefined for the one by default.
 *
 * @throws ServeHTTPError `invalid-argument` for an object without the methods `warn` and `error`
 */
export function loggerOf(option: Logger | false | undefined): Logger {
  if (option === undefined) {
    return stderrLogger;
  }
  if (option === false) {
    return silentLogger;
  }
  const { warn, error } = (option ?? {}) as Partial<Logger>;
  if (typeof warn !== "function" || typeof error !== "function") {
    throw new ServeHTTPError(
      "invalid-argument",
      "the option logger must be a pino logger, an object with the methods warn and error, or false",
    );
  }
  return guardLogger(option);
}

const silentLogger: Logger = { warn: () => undefined, error: () => undefined };
