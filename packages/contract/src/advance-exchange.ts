import type { BodyParts } from "./parts.js";

/** One end of an exchange. */
export type ExchangeSide = "host" | "plugin";

/**
 * Which end of an exchange has sent everything, as either end knows from what it has sent and
 * received:
 *
 *   open                  -> tunnel        [the plugin's `hijack`]
 *   open                  -> over          [the plugin's `end`: the response is complete]
 *   open, tunnel          -> plugin-ended  [the plugin's `tunnelEnd`, perhaps with its `hijack`]
 *   tunnel                -> host-ended    [the host's `tunnelEnd`]
 *   host-ended            -> over          [the plugin's `tunnelEnd`]
 *   plugin-ended          -> over          [the host's `tunnelEnd`]
 *
 * The end of the request changes nothing, since the plugin still owes the response.
 */
export type ExchangeState = "open" | "tunnel" | "host-ended" | "plugin-ended" | "over";

/**
 * Applies parts that `side` has sent, whose order was checked (`advanceRequest`,
 * `advanceResponse`).
 */
export function advanceExchange(
  side: ExchangeSide,
  state: ExchangeState,
  parts: BodyParts & { readonly hijack?: true },
): ExchangeState {
  if (parts.tunnelEnd === true) {
    const [own, other] = side === "host" ? hostFirst : pluginFirst;
    return state === other ? "over" : own;
  }
  if (side === "host") {
    return state;
  }
  return parts.end !== undefined ? "over" : parts.hijack === true ? "tunnel" : state;
}

/** Whether `side` has nothing more to send. */
export function hasEnded(side: ExchangeSide, state: ExchangeState): boolean {
  return state === "over" || state === (side === "host" ? "host-ended" : "plugin-ended");
}

/**
 * Whether the plugin has taken the client's connection over, and either direction is still open.
 */
export function isTunnel(state: ExchangeState): boolean {
  return state !== "open" && state !== "over";
}

const hostFirst = ["host-ended", "plugin-ended"] as const;
const pluginFirst = ["plugin-ended", "host-ended"] as const;
