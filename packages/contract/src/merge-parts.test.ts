import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeRequestParts, mergeResponseParts } from "./merge-parts.js";
import {
  advanceRequest,
  advanceResponse,
  initialRequestOrder,
  initialResponseOrder,
} from "./part-order.js";
import { plainEnd, type RequestInit, type RequestParts, type ResponseParts } from "./parts.js";

const requestInit: RequestInit = {
  method: "POST",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "",
  remoteAddress: "",
  headers: [],
  contentLength: -1,
  deadlineUnixMs: 0,
  requestId: "1",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: true,
};
const responseInit = { status: 200, headers: [] };
const earlyHints = { status: 103, headers: [] };
const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

describe("mergeRequestParts", () => {
  test.each<[RequestParts, RequestParts, RequestParts]>([
    [{ init: requestInit }, { chunk: one }, { init: requestInit, chunk: one }],
    [
      { init: requestInit },
      { chunk: one, freesChunk: true },
      { init: requestInit, chunk: one, freesChunk: true },
    ],
    [{ init: requestInit }, { end: plainEnd }, { init: requestInit, end: plainEnd }],
    [{ chunk: one }, { end: plainEnd }, { chunk: one, end: plainEnd }],
    [
      { init: requestInit },
      { chunk: one, end: plainEnd },
      { init: requestInit, chunk: one, end: plainEnd },
    ],
    [{ end: plainEnd }, { tunnelChunk: one }, { end: plainEnd, tunnelChunk: one }],
    [{ tunnelChunk: one }, { tunnelEnd: true }, { tunnelChunk: one, tunnelEnd: true }],
  ])("makes one message of %j and %j", (pending, parts, merged) => {
    expect(mergeRequestParts(pending, parts)).toBe(true);
    expect(pending).toEqual(merged);
  });

  test.each<[RequestParts, RequestParts]>([
    [{ chunk: one }, { chunk: two }],
    [{ chunk: one }, { chunk: two, end: plainEnd }],
    [{ chunk: one, end: plainEnd }, { tunnelChunk: two }],
    [{ tunnelChunk: one }, { tunnelChunk: two }],
  ])("keeps %j and %j apart", (pending, parts) => {
    const before = { ...pending };
    expect(mergeRequestParts(pending, parts)).toBe(false);
    expect(pending).toEqual(before);
  });
});

describe("mergeResponseParts", () => {
  test.each<[ResponseParts, ResponseParts, ResponseParts]>([
    [{ init: responseInit }, { chunk: one }, { init: responseInit, chunk: one }],
    [{ init: responseInit }, { flush: true }, { init: responseInit, flush: true }],
    [
      { init: responseInit, chunk: one },
      { end: plainEnd },
      { init: responseInit, chunk: one, end: plainEnd },
    ],
    [{ chunk: one }, { flush: true }, { chunk: one, flush: true }],
    [{ chunk: one, flush: true }, { flush: true }, { chunk: one, flush: true }],
    [{ flush: true }, { flush: true, end: plainEnd }, { flush: true, end: plainEnd }],
    [{ hijack: true }, { tunnelChunk: one }, { hijack: true, tunnelChunk: one }],
    [{ tunnelChunk: one }, { tunnelEnd: true }, { tunnelChunk: one, tunnelEnd: true }],
  ])("makes one message of %j and %j", (pending, parts, merged) => {
    expect(mergeResponseParts(pending, parts)).toBe(true);
    expect(pending).toEqual(merged);
  });

  test.each<[ResponseParts, ResponseParts]>([
    [{ chunk: one }, { chunk: two }],
    [{ chunk: one, flush: true }, { chunk: two }],
    [{ init: responseInit, flush: true }, { chunk: one }],
    [{ tunnelChunk: one }, { tunnelChunk: two }],
    [{ extendHeadMs: 1 }, { init: responseInit }],
    [{ extendHeadMs: 1 }, { extendHeadMs: 2 }],
    [{ informational: [earlyHints] }, { informational: [earlyHints] }],
    [{ informational: [earlyHints] }, { init: responseInit, end: plainEnd }],
    [{ informational: [earlyHints] }, { extendHeadMs: 1 }],
  ])("keeps %j and %j apart", (pending, parts) => {
    const before = { ...pending };
    expect(mergeResponseParts(pending, parts)).toBe(false);
    expect(pending).toEqual(before);
  });
});

/** Single parts, in an order that is allowed; chunks carry their number. */
const requestSequence: fc.Arbitrary<RequestParts[]> = fc
  .record({
    chunkCount: fc.nat(4),
    tunnelChunkCount: fc.nat(4),
    tunnel: fc.constantFrom("none", "open", "ended"),
  })
  .map(({ chunkCount, tunnelChunkCount, tunnel }) => {
    const sequence: RequestParts[] = [{ init: requestInit }];
    for (let number = 0; number < chunkCount; number += 1) {
      sequence.push({ chunk: Uint8Array.of(number) });
    }
    sequence.push({ end: plainEnd });
    if (tunnel !== "none") {
      for (let number = 0; number < tunnelChunkCount; number += 1) {
        sequence.push({ tunnelChunk: Uint8Array.of(number) });
      }
    }
    if (tunnel === "ended") {
      sequence.push({ tunnelEnd: true });
    }
    return sequence;
  });

const responseSequence: fc.Arbitrary<ResponseParts[]> = fc
  .record({
    before: fc.array(
      fc.constantFrom<ResponseParts>({ informational: [earlyHints] }, { extendHeadMs: 1 }),
      { maxLength: 3 },
    ),
    body: fc.array(fc.constantFrom("chunk", "flush"), { maxLength: 6 }),
    kind: fc.constantFrom("plain", "tunnel"),
  })
  .map(({ before, body, kind }) => {
    if (kind === "tunnel") {
      const chunks = body.map((_, number) => ({ tunnelChunk: Uint8Array.of(number) }));
      return [...before, { hijack: true }, ...chunks, { tunnelEnd: true }] as ResponseParts[];
    }
    const parts = body.map((part, number) =>
      part === "chunk" ? { chunk: Uint8Array.of(number) } : { flush: true },
    );
    return [...before, { init: responseInit }, ...parts, { end: plainEnd }] as ResponseParts[];
  });

/** Merges what can be merged, into groups that the cuts begin. */
function mergeAll<Parts extends object>(
  sequence: readonly Parts[],
  cuts: readonly boolean[],
  merge: (pending: Parts, parts: Parts) => boolean,
): Parts[] {
  const messages: Parts[] = [];
  let pending: Parts | undefined;
  for (const [index, parts] of sequence.entries()) {
    if (pending === undefined || cuts[index] === true || !merge(pending, parts)) {
      pending = { ...parts };
      messages.push(pending);
    }
  }
  return messages;
}

const requestFields = ["init", "chunk", "end", "tunnelChunk", "tunnelEnd"] as const;
const responseFields = [
  "informational",
  "init",
  "hijack",
  "chunk",
  "flush",
  "end",
  "tunnelChunk",
  "tunnelEnd",
  "extendHeadMs",
] as const;

/** The parts of messages one by one, in field order. */
function tell<Parts extends object>(
  messages: readonly Parts[],
  fields: readonly (keyof Parts)[],
): unknown[] {
  return messages.flatMap((parts) =>
    fields.flatMap((field) => (parts[field] === undefined ? [] : [[field, parts[field]]])),
  );
}

const cuts = fc.array(fc.boolean(), { maxLength: 12 });

test("merged requests say the same, in an order that is allowed", () => {
  fc.assert(
    fc.property(requestSequence, cuts, (sequence, cutBefore) => {
      const messages = mergeAll(sequence, cutBefore, mergeRequestParts);
      expect(tell(messages, requestFields)).toEqual(tell(sequence, requestFields));
      let order = initialRequestOrder;
      for (const parts of messages) {
        order = advanceRequest(order, parts, true);
        expect(parts.chunk === undefined || parts.tunnelChunk === undefined).toBe(true);
      }
    }),
  );
});

test("merged responses say the same, but for a flush after a flush, in an order that is allowed", () => {
  fc.assert(
    fc.property(responseSequence, cuts, (sequence, cutBefore) => {
      const messages = mergeAll(sequence, cutBefore, mergeResponseParts);
      expect(withoutRepeatedFlush(tell(messages, responseFields))).toEqual(
        withoutRepeatedFlush(tell(sequence, responseFields)),
      );
      let order = initialResponseOrder;
      for (const parts of messages) {
        order = advanceResponse(order, parts);
      }
    }),
  );
});

function withoutRepeatedFlush(told: unknown[]): unknown[] {
  return told.filter((part, index) => !isFlush(part) || !isFlush(told[index - 1]));
}

function isFlush(part: unknown): boolean {
  return Array.isArray(part) && part[0] === "flush";
}
