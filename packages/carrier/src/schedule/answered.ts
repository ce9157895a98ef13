import { ServeHTTPError } from "@servehttp/contract";

/** Why a sender that still waits for room is let go. One for all: to make one costs as much as a whole small exchange. */
export const answered = new ServeHTTPError("request-not-needed", "the plugin has answered in full");
