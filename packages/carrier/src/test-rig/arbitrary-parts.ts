import type {
  End,
  FieldList,
  InformationalResponse,
  RequestInit,
  RequestParts,
  ResponseInit,
  ResponseParts,
} from "@servehttp/contract";
import * as fc from "fast-check";

/*
 * Any parts that the messages can carry, in whatever order. Bytes are Latin-1 where the contract
 * says so.
 */

/** Any bytes, as a string of one character a byte. */
export const latin1Text = fc
  .uint8Array({ maxLength: 40 })
  .map((octets) => Buffer.from(octets).toString("latin1"));

/** Well-formed UTF-8 as a string of one character a byte: what a `string` field may hold. */
export const utf8Octets = fc
  .string({ unit: "binary", maxLength: 20 })
  .map((text) => Buffer.from(text).toString("latin1"));

const fieldName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,19}$/);

const fieldList: fc.Arbitrary<FieldList> = fc
  .array(fc.tuple(fieldName, latin1Text), { maxLength: 8 })
  .map((fields) => fields.flat());

/** Small ones mostly, and now and then one that is not copied into the slab. */
const chunk = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 4_000, max: 65_536 }), fc.nat(255))
      .map(([length, first]) => Uint8Array.from({ length }, (_, index) => (first + index) & 0xff)),
  },
);

const text = fc.string({ unit: "binary", maxLength: 12 });

export const requestInit: fc.Arbitrary<RequestInit> = fc
  .record({
    method: fieldName,
    url: utf8Octets,
    requestUri: utf8Octets,
    basePath: utf8Octets,
    fullPath: fc.boolean(),
    protocol: fc.constantFrom("HTTP/1.0", "HTTP/1.1", "HTTP/2.0"),
    protocolMajor: fc.nat(2),
    protocolMinor: fc.nat(1),
    host: utf8Octets,
    remoteAddress: utf8Octets,
    headers: fieldList,
    contentLength: fc.oneof(
      fc.constantFrom(0, -1, 1, 2 ** 31, 2 ** 40, 2 ** 52 - 1),
      fc.integer({ min: -1, max: 2 ** 52 - 1 }),
    ),
    deadlineUnixMs: fc.oneof(
      fc.constantFrom(0, 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1),
      fc.maxSafeNat(),
    ),
    requestId: fieldName,
    context: fc.dictionary(fc.oneof(text, fc.constant("__proto__")), text, { maxKeys: 4 }),
    scheme: fc.constantFrom("http" as const, "https" as const),
    expectContinue: fc.boolean(),
    hijackable: fc.boolean(),
    tunnelHead: fc.option(chunk, { nil: undefined }),
    calledBy: fc.option(fieldName, { nil: undefined }),
    clientConnectionId: fc.option(fieldName, { nil: undefined }),
  })
  .map(({ tunnelHead, calledBy, ...init }) => ({
    ...init,
    ...(tunnelHead !== undefined && { tunnelHead }),
    ...(calledBy !== undefined && { calledBy }),
  }));

const responseHead: fc.Arbitrary<InformationalResponse> = fc.record({
  status: fc.oneof(
    fc.constantFrom(0, 1, -1, 100, 200, 999, 2 ** 31 - 1, -(2 ** 31), -(2 ** 28), 2 ** 28),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  ),
  headers: fieldList,
});

const responseInit: fc.Arbitrary<ResponseInit> = fc
  .tuple(responseHead, fc.oneof(fc.constant(""), latin1Text))
  .map(([head, reason]) => (reason === "" ? head : { ...head, reason }));

const end: fc.Arbitrary<End> = fieldList.map((trailers) => ({ trailers }));

const yes = fc.constant(true as const);

export const requestParts: fc.Arbitrary<RequestParts> = fc.record(
  { init: requestInit, chunk, end, tunnelChunk: chunk, tunnelEnd: yes },
  { requiredKeys: [] },
);

export const responseParts: fc.Arbitrary<ResponseParts> = fc.record(
  {
    informational: fc.array(responseHead, { minLength: 1, maxLength: 4 }),
    init: responseInit,
    hijack: yes,
    chunk,
    flush: yes,
    end,
    tunnelChunk: chunk,
    tunnelEnd: yes,
    extendHeadMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  },
  { requiredKeys: [] },
);
