import type { PluginHost, PluginStatus } from "@servehttp/host-bridge";
import { type CommandContext, writeLine } from "../context/command-context.js";

/**
 * Says of each plugin whether it is ready, and where, once: when it is ready or has failed for the
 * first time. Returns the function that ends it.
 *
 * @param addressOf where clients find a plugin
 */
export function announcePlugins(
  host: PluginHost,
  addressOf: (id: string) => string,
  { stdout }: CommandContext,
): () => void {
  const said = new Set<string>();
  const widest = Math.max(0, ...host.plugins.map(({ id }) => id.length));
  const look = ({ id, state, failures }: PluginStatus): void => {
    const word = state === "ready" || state === "in-process" ? "READY " : "FAILED";
    if (said.has(id) || (word === "FAILED" && failures.length === 0)) {
      return;
    }
    said.add(id);
    writeLine(stdout, `${id.padEnd(widest)}  ${word}  ${addressOf(id)}`);
  };
  host.plugins.forEach(look);
  return host.onStateChange(look);
}
