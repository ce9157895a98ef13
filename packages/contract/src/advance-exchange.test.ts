import { expect, test } from "vitest";
import {
  advanceExchange,
  type ExchangeSide,
  type ExchangeState,
  hasEnded,
  isTunnel,
} from "./advance-exchange.js";
import { plainEnd, type ResponseParts } from "./parts.js";

const head = { status: 200, headers: [] };
const octet = new Uint8Array(1);

/** What each side sends, in turn: `>` the host, `<` the plugin. */
type Said = readonly [">" | "<", ResponseParts];

test.each<[string, ExchangeState, Said[]]>([
  ["is open before anything was said", "open", []],
  ["stays open with the request complete", "open", [[">", { chunk: octet, end: plainEnd }]]],
  ["stays open while the response comes", "open", [["<", { init: head, chunk: octet }]]],
  ["is over with the response, request or not", "over", [["<", { init: head, end: plainEnd }]]],
  ["is a tunnel once hijacked", "tunnel", [["<", { hijack: true, tunnelChunk: octet }]]],
  [
    "is a tunnel as long as bytes go either way",
    "tunnel",
    [
      ["<", { hijack: true }],
      [">", { tunnelChunk: octet }],
      ["<", { tunnelChunk: octet }],
    ],
  ],
  [
    "knows that the host's way has ended",
    "host-ended",
    [
      ["<", { hijack: true }],
      [">", { tunnelEnd: true }],
      ["<", { tunnelChunk: octet }],
    ],
  ],
  [
    "knows that the plugin's way has ended, with the hijack itself",
    "plugin-ended",
    [
      ["<", { hijack: true, tunnelEnd: true }],
      [">", { tunnelChunk: octet }],
    ],
  ],
  [
    "is over when the plugin ends a tunnel last",
    "over",
    [
      ["<", { hijack: true }],
      [">", { tunnelEnd: true }],
      ["<", { tunnelEnd: true }],
    ],
  ],
  [
    "is over when the host ends a tunnel last",
    "over",
    [
      ["<", { hijack: true, tunnelEnd: true }],
      [">", { tunnelChunk: octet, tunnelEnd: true }],
    ],
  ],
])("an exchange %s", (_name, state, said) => {
  let now: ExchangeState = "open";
  for (const [who, parts] of said) {
    now = advanceExchange(who === ">" ? "host" : "plugin", now, parts);
  }
  expect(now).toBe(state);
});

test("says who has nothing more to send, and whether it is a tunnel", () => {
  const states: ExchangeState[] = ["open", "tunnel", "host-ended", "plugin-ended", "over"];
  const ended = (side: ExchangeSide) => states.filter((state) => hasEnded(side, state));
  expect(ended("host")).toEqual(["host-ended", "over"]);
  expect(ended("plugin")).toEqual(["plugin-ended", "over"]);
  expect(states.filter(isTunnel)).toEqual(["tunnel", "host-ended", "plugin-ended"]);
});
