import { loggableError, ServeHTTPError } from "@servehttp/contract";

/** The error for what the application's middleware around a response has thrown. */
export function middlewareError(thrown: unknown): ServeHTTPError {
  const cause = loggableError(thrown);
  return new ServeHTTPError("internal", cause.message, { cause });
}
