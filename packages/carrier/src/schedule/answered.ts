import { ServeHTTPError } from "@servehttp/contract";

/**
 * Tells a sender that waits for room why it needs to wait no longer. One object for all: to make
 * one costs as much as a whole small exchange.
 */
export const answered = new ServeHTTPError("request-not-needed", "the plugin has answered in full");
