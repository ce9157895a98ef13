import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EndSchema, ResponseInitSchema } from "./gen/servehttp/v1/exchange_pb.js";
import { RequestFrameSchema, ResponseFrameSchema } from "./gen/servehttp/v1/mux_pb.js";
import { bodyBytesOf, requestPartRules, responsePartRules } from "./part-rules.js";
import { type FieldList, plainEnd, type RequestParts, type ResponseParts } from "./parts.js";

/** The largest there is, so that its varint is the longest. */
const exchangeId = BigInt(Number.MAX_SAFE_INTEGER);

const ascii = fc.string({ unit: "binary-ascii", maxLength: 300 });
const fields: fc.Arbitrary<FieldList> = fc
  .array(fc.tuple(ascii, ascii), { maxLength: 20 })
  .map((pairs) => pairs.flat());
const octets = fc.nat(20_000).map((length) => new Uint8Array(length));

/** One message a value, as the flat list has it. */
function headerMessages(list: FieldList): { name: string; values: Uint8Array[] }[] {
  return Array.from({ length: list.length / 2 }, (_, index) => ({
    name: list[2 * index] as string,
    values: [Buffer.from(list[2 * index + 1] as string, "latin1")],
  }));
}

describe("headBytes", () => {
  test("is never less than a request takes on the wire", () => {
    const init = fc.record({
      method: ascii,
      url: ascii,
      requestUri: ascii,
      basePath: ascii,
      fullPath: fc.constant(true),
      protocol: ascii,
      protocolMajor: fc.constant(0xffff_ffff),
      protocolMinor: fc.constant(0xffff_ffff),
      host: ascii,
      remoteAddress: ascii,
      headers: fields,
      contentLength: fc.constantFrom(-1, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      deadlineUnixMs: fc.constant(Number.MAX_SAFE_INTEGER),
      requestId: ascii,
      context: fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
      scheme: fc.constant("https" as const),
      expectContinue: fc.constant(true),
      hijackable: fc.constant(true),
      tunnelHead: octets,
    });
    fc.assert(
      fc.property(init, octets, fields, octets, (head, chunk, trailers, tunnelChunk) => {
        const parts: RequestParts = {
          init: head,
          chunk,
          end: { trailers },
          tunnelChunk,
          tunnelEnd: true,
        };
        const message = create(RequestFrameSchema, {
          exchangeId,
          parts: {
            init: {
              ...head,
              remoteAddr: head.remoteAddress,
              headers: headerMessages(head.headers),
              contentLength: BigInt(head.contentLength),
              deadlineUnixMs: BigInt(head.deadlineUnixMs),
            },
            chunk,
            end: create(EndSchema, { trailers: headerMessages(trailers) }),
            tunnelChunk,
            tunnelEnd: true,
          },
          creditBytes: 0xffff_ffff,
        });
        const bytes = toBinary(RequestFrameSchema, message).length;
        expect(requestPartRules.headBytes(parts) + bodyBytesOf(parts)).toBeGreaterThanOrEqual(
          bytes,
        );
      }),
    );
  });

  test("is never less than a response takes on the wire", () => {
    const head = fc.record({ status: fc.constantFrom(-1, 200), headers: fields });
    const interim = fc.array(head, { maxLength: 3 });
    fc.assert(
      fc.property(interim, head, octets, fields, (informational, init, chunk, trailers) => {
        const parts: ResponseParts = {
          informational,
          init,
          hijack: true,
          chunk,
          flush: true,
          end: { trailers },
          tunnelChunk: chunk,
          tunnelEnd: true,
          extendHeadMs: 0xffff_ffff,
        };
        const message = create(ResponseFrameSchema, {
          exchangeId,
          parts: {
            ...parts,
            informational: informational.map(({ status, headers }) => ({
              status,
              headers: headerMessages(headers),
            })),
            init: create(ResponseInitSchema, {
              status: init.status,
              headers: headerMessages(init.headers),
            }),
            hijack: {},
            end: create(EndSchema, { trailers: headerMessages(trailers) }),
            extendHeadMs: 0xffff_ffff,
          },
          creditBytes: 0xffff_ffff,
        });
        const bytes = toBinary(ResponseFrameSchema, message).length;
        expect(responsePartRules.headBytes(parts) + bodyBytesOf(parts)).toBeGreaterThanOrEqual(
          bytes,
        );
      }),
    );
  });
});

const ten = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
const init = { status: 200, headers: [] };

describe("front and rest", () => {
  test.each<[RequestParts, number, RequestParts, RequestParts]>([
    [
      { chunk: ten, end: plainEnd },
      4,
      { chunk: ten.subarray(0, 4) },
      { chunk: ten.subarray(4), end: plainEnd },
    ],
    [
      { chunk: ten, freesChunk: true },
      4,
      { chunk: ten.subarray(0, 4) },
      { chunk: ten.subarray(4), freesChunk: true },
    ],
    [
      { chunk: ten, freesChunk: true, tunnelChunk: ten },
      12,
      { chunk: ten, freesChunk: true, tunnelChunk: ten.subarray(0, 2) },
      { tunnelChunk: ten.subarray(2) },
    ],
    [
      { tunnelChunk: ten, tunnelEnd: true },
      4,
      { tunnelChunk: ten.subarray(0, 4) },
      { tunnelChunk: ten.subarray(4), tunnelEnd: true },
    ],
    [{ end: plainEnd, tunnelChunk: ten }, 0, { end: plainEnd }, { tunnelChunk: ten }],
    [
      { chunk: ten, end: plainEnd, tunnelChunk: ten },
      4,
      { chunk: ten.subarray(0, 4) },
      { chunk: ten.subarray(4), end: plainEnd, tunnelChunk: ten },
    ],
    [
      { chunk: ten, end: plainEnd, tunnelChunk: ten },
      10,
      { chunk: ten, end: plainEnd },
      { tunnelChunk: ten },
    ],
    [
      { chunk: ten, end: plainEnd, tunnelChunk: ten, tunnelEnd: true },
      13,
      { chunk: ten, end: plainEnd, tunnelChunk: ten.subarray(0, 3) },
      { tunnelChunk: ten.subarray(3), tunnelEnd: true },
    ],
  ])("part the request %j at byte %i", (parts, bodyBytes, front, rest) => {
    const before = { ...parts };
    expect(requestPartRules.front(parts, bodyBytes)).toEqual(front);
    expect(requestPartRules.rest(parts, bodyBytes)).toEqual(rest);
    expect(parts).toEqual(before);
  });

  test.each<[ResponseParts, number, ResponseParts, ResponseParts]>([
    [
      { init, chunk: ten, flush: true, end: plainEnd },
      4,
      { init, chunk: ten.subarray(0, 4) },
      { chunk: ten.subarray(4), flush: true, end: plainEnd },
    ],
    [
      { informational: [init], init, chunk: ten },
      0,
      { informational: [init], init },
      { chunk: ten },
    ],
    [
      { hijack: true, tunnelChunk: ten, tunnelEnd: true },
      0,
      { hijack: true },
      { tunnelChunk: ten, tunnelEnd: true },
    ],
    [
      { hijack: true, tunnelChunk: ten, tunnelEnd: true },
      9,
      { hijack: true, tunnelChunk: ten.subarray(0, 9) },
      { tunnelChunk: ten.subarray(9), tunnelEnd: true },
    ],
  ])("part the response %j at byte %i", (parts, bodyBytes, front, rest) => {
    const before = { ...parts };
    expect(responsePartRules.front(parts, bodyBytes)).toEqual(front);
    expect(responsePartRules.rest(parts, bodyBytes)).toEqual(rest);
    expect(parts).toEqual(before);
  });

  test("share the bytes of what they part", () => {
    const { chunk } = responsePartRules.front({ chunk: ten }, 4);
    expect(chunk?.buffer).toBe(ten.buffer);
    expect(responsePartRules.rest({ chunk: ten }, 4).chunk?.buffer).toBe(ten.buffer);
  });
});

describe("hasHead", () => {
  test.each<[RequestParts, boolean]>([
    [{ chunk: ten }, false],
    [{ chunk: ten, end: plainEnd }, false],
    [{ end: plainEnd, tunnelChunk: ten }, true],
    [{ tunnelChunk: ten, tunnelEnd: true }, false],
  ])("of the request %j is %j", (parts, expected) => {
    expect(requestPartRules.hasHead(parts)).toBe(expected);
  });

  test.each<[ResponseParts, boolean]>([
    [{ chunk: ten, flush: true, end: plainEnd }, false],
    [{ init, chunk: ten }, true],
    [{ informational: [init] }, true],
    [{ hijack: true, tunnelChunk: ten }, true],
    [{ tunnelChunk: ten, tunnelEnd: true }, false],
  ])("of the response %j is %j", (parts, expected) => {
    expect(responsePartRules.hasHead(parts)).toBe(expected);
  });
});
