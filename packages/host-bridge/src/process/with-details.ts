import type { Logger } from "@servehttp/contract";

/**
 * A logger that adds details to every record: which plugin, which process. They win over others.
 */
export function withDetails(
  logger: Required<Logger>,
  details: Readonly<Record<string, unknown>>,
): Required<Logger> {
  return {
    debug: (more, message) => logger.debug({ ...more, ...details }, message),
    info: (more, message) => logger.info({ ...more, ...details }, message),
    warn: (more, message) => logger.warn({ ...more, ...details }, message),
    error: (more, message) => logger.error({ ...more, ...details }, message),
  };
}
