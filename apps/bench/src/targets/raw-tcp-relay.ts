import { nodeHost } from "./node-host.js";
import type { Target } from "./target.js";

/**
 * No HTTP at all: a Node process that relays a connection to a plain server. What a tunnel is
 * compared with.
 */
export const rawTcpRelay: Target = {
  ...nodeHost("raw TCP relay", "host-tcp-relay", "plugin-tunnel"),
  namedOnly: true,
};
