import type { Destination } from "../exchange/destination.js";
import type { ConnectedPlugin } from "../plugin/connected-plugin.js";

/** The connection on which an exchange would begin. */
export function connectedOf(destination: Destination): ConnectedPlugin {
  if (destination.kind !== "exchange") {
    throw new Error(`no exchange: ${destination.kind}`);
  }
  return destination.plugin as ConnectedPlugin;
}
