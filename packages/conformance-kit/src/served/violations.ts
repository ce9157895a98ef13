import { bodyChunkBytesMax, fieldCountMax, informationalCountMax } from "@servehttp/contract";
import type { ResponsePartsToWrite } from "../wire/messages.js";
import type { Step, Violation } from "./violation.js";

/** What hosts must keep to themselves. */
export const pluginSecret = "secret of the plugin";

const init = { status: 200, headers: [{ name: "x-a", values: [Buffer.from("1")] }] };
const chunk = Buffer.from("bytes of the plugin");
const end = {};
const hints = { status: 103, headers: [{ name: "link", values: [Buffer.from("</a>")] }] };

const parts = (...messages: ResponsePartsToWrite[]): Step[] =>
  messages.map((one) => ({ do: "parts", parts: one }));

/** Ends the RPC. Only on the stream carrier, where an RPC carries one exchange. */
const status = (code: number | undefined): Step => ({ do: "status", status: code });

const field = (name: string, value: string) => ({ name, values: [Buffer.from(value, "latin1")] });

/** A valid exchange, and the violations that a plugin may commit in it. */
export const violations: readonly Violation[] = [
  { name: "a whole response", steps: parts({ init, chunk, end }), outcome: "clean" },
  {
    name: "a whole response in three messages",
    steps: parts({ init }, { chunk }, { end }),
    outcome: "clean",
  },
  {
    name: "a field from a later version",
    steps: [{ do: "payload", payload: withUnknownField() }],
    outcome: "clean",
    carriers: ["stream"],
  },

  { name: "chunk before init", steps: parts({ chunk }), outcome: "status" },
  { name: "end before init", steps: parts({ end }), outcome: "status" },
  { name: "flush before init", steps: parts({ flush: true }), outcome: "status" },
  { name: "tunnel chunk before hijack", steps: parts({ tunnelChunk: chunk }), outcome: "status" },
  {
    name: "hijack where it is not possible",
    steps: parts({ hijack: {} }),
    outcome: "status",
    over: "http2",
  },
  { name: "two inits", steps: parts({ init, chunk }, { init, end }), outcome: "failed" },
  { name: "hijack after init", steps: parts({ init, chunk }, { hijack: {} }), outcome: "failed" },
  {
    name: "tunnel end in a body",
    steps: parts({ init, chunk }, { tunnelEnd: true }),
    outcome: "failed",
  },
  {
    name: "hints after init",
    steps: parts({ init, chunk }, { informational: [hints] }),
    outcome: "failed",
  },
  { name: "chunk after end", steps: parts({ init, chunk, end }, { chunk }), outcome: "either" },
  { name: "end after end", steps: parts({ init, chunk, end }, { end }), outcome: "either" },
  {
    name: "too many hints",
    steps: parts({
      informational: Array.from({ length: informationalCountMax + 1 }, () => hints),
      init,
      end,
    }),
    outcome: "failed",
  },
  {
    name: "a hint of status 101",
    steps: parts({ informational: [{ status: 101, headers: [] }], init, end }),
    outcome: "failed",
  },
  {
    name: "a hint of status 200",
    steps: parts({ informational: [{ status: 200, headers: [] }], init, end }),
    outcome: "failed",
  },
  {
    name: "chunk over the limit",
    steps: parts({ init }, { chunk: Buffer.alloc(bodyChunkBytesMax + 1) }, { end }),
    outcome: "failed",
  },
  ...[-1, 0, 42, 99, 100, 101, 199, 1_000, 65_535].map((code): Violation => ({
    name: `status ${code}`,
    steps: parts({ init: { status: code, headers: [] }, chunk, end }),
    outcome: "status",
  })),
  ...[
    ["CR and LF", "1\r\nx-evil: 1"],
    ["LF", "1\nx-evil: 1"],
    ["NUL", "1\0"],
  ].map(([what, value = ""]): Violation => ({
    name: `a header value with ${what}`,
    steps: parts({ init: { status: 200, headers: [field("x-a", value)] }, chunk, end }),
    outcome: "either",
  })),
  {
    name: "a header name that is none",
    steps: parts({ init: { status: 200, headers: [field("x evil:", "1")] }, chunk, end }),
    outcome: "either",
  },
  {
    name: "a flood of header fields",
    steps: parts({
      init: {
        status: 200,
        headers: Array.from({ length: fieldCountMax + 1 }, (_, at) => field(`x-${at}`, "1")),
      },
      end,
    }),
    outcome: "status",
  },
  {
    name: "a header section that is too large",
    steps: parts({
      init: {
        status: 200,
        headers: Array.from({ length: 20 }, (_, at) => field(`x-${at}`, "1".repeat(8_000))),
      },
      end,
    }),
    outcome: "status",
  },

  ...[0, undefined, 2, 13, 14].flatMap((code): Violation[] => [
    {
      name: `status ${code ?? "missing"} without a part`,
      steps: [status(code)],
      outcome: "status",
      carriers: ["stream"],
    },
    {
      name: `status ${code ?? "missing"} after init and chunk, without end`,
      steps: [...parts({ init, chunk, flush: true }), status(code)],
      outcome: "failed",
      carriers: ["stream"],
    },
  ]),
  ...[0, 2, 7, 8].flatMap((code): Violation[] => [
    {
      name: `reset with ${code} without a part`,
      steps: [{ do: "reset", code }],
      outcome: "status",
    },
    {
      name: `reset with ${code} after init and chunk`,
      steps: [...parts({ init, chunk, flush: true }), { do: "reset", code }],
      outcome: "failed",
    },
  ]),
  { name: "cut without a part", steps: [{ do: "cut" }], outcome: "status" },
  {
    name: "cut after init and chunk",
    steps: [...parts({ init, chunk, flush: true }), { do: "cut" }],
    outcome: "failed",
  },
  {
    name: "garbage in place of a message",
    steps: [{ do: "bytes", bytes: Buffer.from("HTTP/1.1 200 OK\r\n\r\nhello") }],
    outcome: "status",
  },
  {
    name: "garbage in a message",
    steps: [{ do: "payload", payload: Buffer.alloc(40, 0xff) }],
    outcome: "status",
  },
  {
    name: "the compressed flag",
    steps: [{ do: "payload", payload: Buffer.from([0x3a, 0]), compressed: true }],
    outcome: "status",
  },
  {
    name: "a message of 4 GiB",
    steps: [{ do: "bytes", bytes: Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]) }],
    outcome: "status",
  },
  {
    name: "a message that stops half way",
    steps: [{ do: "bytes", bytes: Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]) }, status(0)],
    outcome: "status",
  },
  {
    name: "a web page in place of gRPC",
    steps: [
      { do: "respond", headers: { ":status": 200, "content-type": "text/html" } },
      status(undefined),
    ],
    outcome: "status",
    carriers: ["stream"],
  },
  {
    name: "404 in place of gRPC",
    steps: [
      { do: "respond", headers: { ":status": 404, "content-type": "text/plain" } },
      status(undefined),
    ],
    outcome: "status",
    carriers: ["stream"],
  },

  {
    name: "a frame of an exchange that was never opened",
    steps: [{ do: "stray", idOffset: 1_000, parts: { init, end } }],
    outcome: "status",
    carriers: ["mux"],
  },
  {
    name: "a late frame of an exchange that is over",
    steps: [...parts({ init, chunk, end }), { do: "stray", idOffset: 0, parts: { chunk } }],
    outcome: "either",
    carriers: ["mux"],
  },
  {
    name: "more bytes than its credit",
    steps: parts(
      { init, flush: true },
      ...Array.from({ length: 600 }, () => ({ chunk: Buffer.alloc(bodyChunkBytesMax) })),
    ),
    outcome: "failed",
    carriers: ["mux"],
    readsLate: true,
  },
];

/** {init, chunk, end} and field 999, a varint. */
function withUnknownField(): Uint8Array {
  return Buffer.concat([
    // init (2): status (1) = 200
    Buffer.from([0x12, 3, 0x08, 0xc8, 0x01]),
    // chunk (4)
    Buffer.from([0x22, chunk.length]),
    chunk,
    // end (6): empty
    Buffer.from([0x32, 0]),
    // 999: 1
    Buffer.from([0xb8, 0x3e, 1]),
  ]);
}
