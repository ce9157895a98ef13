import type { Logger } from "@servehttp/contract";

/** A logger that adds details to every record: which plugin, which process. */
export function withDetails(
  logger: Required<Logger>,
  details: Readonly<Record<string, unknown>>,
): Required<Logger> {
  return {
    debug: (more, message) => logger.debug({ ...details, ...more }, message),
    info: (more, message) => logger.info({ ...details, ...more }, message),
    warn: (more, message) => logger.warn({ ...details, ...more }, message),
    error: (more, message) => logger.error({ ...details, ...more }, message),
  };
}
