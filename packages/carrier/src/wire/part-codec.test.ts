import {
  type ErrorCode,
  fieldCountMax,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import {
  HeaderFieldSchema,
  ResetCode,
  ResetSchema,
  ServeHTTPRequestSchema,
  ServeHTTPResponseSchema,
} from "../../../contract/src/gen/servehttp/v1/exchange_pb.js";
import { readRequestMessage, readResponseParts } from "./read-parts.js";
import { readReset, writeReset } from "./reset-codec.js";
import { writeRequestParts, writeResponseParts } from "./write-parts.js";
import { requestInit, requestParts, responseParts } from "../test-rig/arbitrary-parts.js";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  requestMessage,
  responseMessage,
} from "../test-rig/generated-codec.js";
import { WireReader } from "./wire-reader.js";
import { WireWriter } from "./wire-writer.js";

// One for all runs, so that messages come to lie across the ends of its slabs.
const writer = new WireWriter();

const violation = expect.objectContaining({ code: "protocol-violation" });

test("the generated codec reads the request parts that we write", () => {
  fc.assert(
    fc.property(requestParts, (parts) => {
      expect(plain(decodeRequest(ourRequest(parts)))).toEqual(plain(parts));
    }),
    randomRuns(1_000),
  );
});

test("the generated codec reads the response parts that we write", () => {
  fc.assert(
    fc.property(responseParts, (parts) => {
      expect(plain(decodeResponse(ourResponse(parts)))).toEqual(plain(parts));
    }),
    randomRuns(1_000),
  );
});

test("we read the request parts that the generated codec writes, values of one name joined or not", () => {
  fc.assert(
    fc.property(requestParts, fc.boolean(), (parts, join) => {
      const { parts: read, reset } = readRequestMessage(readerOf(encodeRequest(parts, join)));
      expect(plain(read)).toEqual(plain(parts));
      expect(reset).toBeUndefined();
    }),
    randomRuns(1_000),
  );
});

test("we read the response parts that the generated codec writes, values of one name joined or not", () => {
  fc.assert(
    fc.property(responseParts, fc.boolean(), (parts, join) => {
      expect(plain(readResponseParts(readerOf(encodeResponse(parts, join))))).toEqual(plain(parts));
    }),
    randomRuns(1_000),
  );
});

test("passes over unknown fields of wire types 0, 1, 2 and 5, in the message and in all that is in it", () => {
  const varint = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => varintOf(value));
  const unknown = fc.array(
    fc.record({
      no: fc.integer({ min: 100, max: 2 ** 29 - 1 }),
      content: fc.oneof(
        varint.map((data) => ({ wireType: 0, data })),
        fc.uint8Array({ minLength: 8, maxLength: 8 }).map((data) => ({ wireType: 1, data })),
        fc.uint8Array({ maxLength: 20 }).map((octets) => ({
          wireType: 2,
          data: Uint8Array.from([octets.length, ...octets]),
        })),
        fc.uint8Array({ minLength: 4, maxLength: 4 }).map((data) => ({ wireType: 5, data })),
      ),
    }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(requestParts, responseParts, unknown, (request, response, fields) => {
      const $unknown = fields.map(({ no, content }) => ({ no, ...content }));
      const requestWith = requestMessage(request, false);
      const responseWith = responseMessage(response, false);
      const within = [
        requestWith,
        requestWith.init,
        ...(requestWith.init?.headers ?? []),
        requestWith.end,
        responseWith,
        responseWith.init,
        ...responseWith.informational,
        responseWith.hijack,
        responseWith.end,
        ...(responseWith.end?.trailers ?? []),
      ];
      for (const message of within) {
        if (message !== undefined) {
          message.$unknown = $unknown;
        }
      }
      const { parts } = readRequestMessage(readerOf(toBinary(ServeHTTPRequestSchema, requestWith)));
      expect(plain(parts)).toEqual(plain(request));
      const read = readResponseParts(readerOf(toBinary(ServeHTTPResponseSchema, responseWith)));
      expect(plain(read)).toEqual(plain(response));
    }),
  );
});

test("a field's name may stand behind its values", () => {
  const field = toBinary(
    HeaderFieldSchema,
    create(HeaderFieldSchema, { values: [Buffer.from("1"), Buffer.from("2")] }),
  );
  const name = toBinary(HeaderFieldSchema, create(HeaderFieldSchema, { name: "x-a" }));
  const end = delimited(0x0a, Buffer.concat([field, name]));
  const { parts } = readRequestMessage(readerOf(delimited(0x1a, end)));
  expect(parts.end?.trailers).toEqual(["x-a", "1", "x-a", "2"]);
});

test("of a field's names the last one counts, wherever it stands", () => {
  const field = (octets: string) => delimited(0x0a, Buffer.from(octets, "latin1"));
  const end = field("\n\x01a\x12\x011\n\x01b\x12\x012\n\x01c");
  const { parts } = readRequestMessage(readerOf(delimited(0x1a, end)));
  expect(parts.end?.trailers).toEqual(["c", "1", "c", "2"]);
});

test("a field's values are any bytes", () => {
  const every = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join("");
  const parts: ResponseParts = { init: { status: 200, headers: ["x-bytes", every] } };
  expect(decodeResponse(ourResponse(parts)).init?.headers).toEqual(["x-bytes", every]);
  const read = readResponseParts(readerOf(encodeResponse(parts, false)));
  expect(read.init?.headers).toEqual(["x-bytes", every]);
});

test("a deadline before 1970 stays one, whatever int64 it is", () => {
  for (const deadlineUnixMs of [-1n, -5_000n, -(2n ** 40n), -(2n ** 63n)]) {
    const message = create(ServeHTTPRequestSchema, { init: { deadlineUnixMs } });
    const { parts } = readRequestMessage(readerOf(toBinary(ServeHTTPRequestSchema, message)));
    expect(parts.init?.deadlineUnixMs).toBe(Number(deadlineUnixMs));
  }
});

test("a content length stays what it is, from the smallest sint64 to the largest", () => {
  for (const contentLength of [-1n, 0n, 1n, 2n ** 40n, 2n ** 52n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    const message = create(ServeHTTPRequestSchema, { init: { contentLength } });
    const { parts } = readRequestMessage(readerOf(toBinary(ServeHTTPRequestSchema, message)));
    expect(parts.init?.contentLength).toBe(Number(contentLength));
  }
});

test("a part of which a message may hold one is refused when it holds two", () => {
  const requests: RequestParts[] = [
    { init: fc.sample(requestInit, 1)[0]! },
    { chunk: Buffer.from("a") },
    { end: { trailers: [] } },
    { tunnelChunk: Buffer.from("a") },
  ];
  for (const parts of requests) {
    const twice = Buffer.concat([ourRequest(parts), ourRequest(parts)]);
    expect(() => readRequestMessage(readerOf(twice))).toThrow(violation);
  }
  const responses: ResponseParts[] = [
    { init: { status: 200, headers: [] } },
    { chunk: Buffer.from("a") },
    { end: { trailers: [] } },
    { tunnelChunk: Buffer.from("a") },
  ];
  for (const parts of responses) {
    const twice = Buffer.concat([ourResponse(parts), ourResponse(parts)]);
    expect(() => readResponseParts(readerOf(twice))).toThrow(violation);
  }
});

test(`a section of more than ${fieldCountMax} fields is refused, one of as many is read`, () => {
  const fields = Array.from({ length: 2 * fieldCountMax }, (_, at) => (at % 2 === 0 ? "a" : "b"));
  const within: ResponseParts = { init: { status: 200, headers: fields } };
  expect(readResponseParts(readerOf(ourResponse(within)))).toEqual(within);
  const beyond: ResponseParts = { init: { status: 200, headers: [...fields, "a", "b"] } };
  expect(() => readResponseParts(readerOf(ourResponse(beyond)))).toThrow(violation);
});

test("a field of too many values is refused at the first that is too many (H2)", () => {
  const value = Buffer.from([0x12, 0]);
  const values = delimited(0x12, Buffer.concat(Array.from({ length: 100_000 }, () => value)));
  const reader = readerOf(delimited(0x12, values));
  using reads = vi.spyOn(WireReader.prototype, "varint");
  expect(() => readResponseParts(reader)).toThrow(`more than ${fieldCountMax} header fields`);
  expect(reads.mock.calls.length).toBeLessThan(3 * fieldCountMax);
});

test("a message that stops short is taken and refused as by the generated codec", () => {
  fc.assert(
    fc.property(requestParts, responseParts, (request, response) => {
      const ends: [Buffer, (bytes: Buffer) => void, (bytes: Buffer) => void][] = [
        [
          Buffer.from(encodeRequest(withoutBulk(request), true)),
          (bytes) => readRequestMessage(readerOf(bytes)),
          (bytes) => fromBinary(ServeHTTPRequestSchema, bytes),
        ],
        [
          Buffer.from(encodeResponse(withoutBulk(response), true)),
          (bytes) => readResponseParts(readerOf(bytes)),
          (bytes) => fromBinary(ServeHTTPResponseSchema, bytes),
        ],
      ];
      for (const [bytes, ours, generated] of ends) {
        for (let length = 0; length < bytes.length; length += 1) {
          const short = bytes.subarray(0, length);
          expect(outcomeOf(() => ours(short))).toBe(outcomeOf(() => generated(short)));
        }
      }
    }),
    randomRuns(60),
  );
});

test("a damaged message is read or refused, and nothing beyond its end is looked at", () => {
  const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1 }), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(requestParts, responseParts, damage, (request, response, changes) => {
      const messages: [Uint8Array, (reader: WireReader) => unknown][] = [
        [encodeRequest(withoutBulk(request), true), readRequestMessage],
        [encodeResponse(withoutBulk(response), true), readResponseParts],
      ];
      for (const [message, read] of messages) {
        const bytes = Buffer.from(message);
        for (const [where, octet] of changes) {
          bytes[Math.floor(where * (bytes.length - 1))] = octet;
        }
        const alone = readOrRefuse(() => read(readerOf(bytes)));
        // What stands around it would change the outcome if anybody looked.
        const around = Buffer.concat([Buffer.alloc(9, 0xff), bytes, Buffer.alloc(1_000, 0x01)]);
        const within = readOrRefuse(() => read(new WireReader(around, 9, 9 + bytes.length)));
        expect(within).toEqual(alone);
      }
    }),
    randomRuns(1_500),
  );
});

test("random bytes are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      const readAll = () => {
        readOrRefuse(() => readRequestMessage(readerOf(octets)));
        readOrRefuse(() => readResponseParts(readerOf(octets)));
        readOrRefuse(() => readReset(readerOf(octets), "client-disconnected"));
      };
      expect(readAll).not.toThrow();
    }),
    randomRuns(5_000),
  );
});

test("every code of a reset travels under the number that the contract gives it", () => {
  const codes: [ErrorCode, ResetCode][] = [
    ["client-disconnected", ResetCode.CALLER_LEFT],
    ["deadline", ResetCode.DEADLINE],
    ["host-stopping", ResetCode.HOST_STOPPING],
    ["plugin-closing", ResetCode.PLUGIN_CLOSING],
    ["handler-failed", ResetCode.HANDLER_FAILED],
    ["protocol-violation", ResetCode.PROTOCOL_VIOLATION],
  ];
  for (const [code, number] of codes) {
    const sent = fromBinary(ResetSchema, ourReset(new ServeHTTPError(code, "why")));
    expect(sent.code).toBe(number);
    const message = create(ResetSchema, { code: number, message: "because" });
    const read = readReset(readerOf(toBinary(ResetSchema, message)), "internal");
    expect([read.code, read.message]).toEqual([code, "because"]);
  }
});

test("a reset tells only our own words about a violation, at most 1 KiB of them", () => {
  const secret = new ServeHTTPError("handler-failed", "the password is 1234");
  expect(fromBinary(ResetSchema, ourReset(secret)).message).toBe("");
  const long = new ServeHTTPError("protocol-violation", "\u{1f600}".repeat(2_000));
  const { message } = fromBinary(ResetSchema, ourReset(long));
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_024);
  expect(message.length).toBeGreaterThan(0);
});

test("a code of a reset that we don't know is what the end that reads it takes it for", () => {
  for (const bytes of [[], [0x08, 0x00], [0x08, 0x63]]) {
    expect(readReset(readerOf(Uint8Array.from(bytes)), "client-disconnected").code).toBe(
      "client-disconnected",
    );
    expect(readReset(readerOf(Uint8Array.from(bytes)), "handler-failed").code).toBe(
      "handler-failed",
    );
  }
});

test("of a reset's message no more is read than 1 KiB (H3)", () => {
  const reset = delimited(0x12, Buffer.alloc(200_000, "m"));
  expect(readReset(readerOf(reset), "handler-failed").message).toBe("m".repeat(1_024));
});

test("a request's message that carries a reset gives it beside the parts", () => {
  const message = create(ServeHTTPRequestSchema, {
    reset: { code: ResetCode.DEADLINE, message: "too slow" },
  });
  const { reset } = readRequestMessage(readerOf(toBinary(ServeHTTPRequestSchema, message)));
  expect([reset?.code, reset?.message]).toEqual(["deadline", "too slow"]);
});

function ourRequest(parts: RequestParts): Buffer {
  writer.beginMessage();
  writeRequestParts(writer, parts);
  return Buffer.concat(writer.endMessage()).subarray(5);
}

function ourResponse(parts: ResponseParts): Buffer {
  writer.beginMessage();
  writeResponseParts(writer, parts);
  return Buffer.concat(writer.endMessage()).subarray(5);
}

/** The bytes of the reset alone, without the tag that it goes under and the padded length. */
function ourReset(error: ServeHTTPError): Buffer {
  writer.beginMessage();
  writeReset(writer, 0x22, error);
  return Buffer.concat(writer.endMessage()).subarray(5 + 1 + 4);
}

function readerOf(bytes: Uint8Array): WireReader {
  return new WireReader(Buffer.from(bytes));
}

/** Bytes as text, objects without their prototypes: what two parts must have in common. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString("base64");
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, inner]) => [name, plain(inner)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }
  return value;
}

/** Cut at every byte, long chunks would take for ever and show nothing new. */
function withoutBulk<Parts extends RequestParts | ResponseParts>(parts: Parts): Parts {
  const short: Parts = { ...parts };
  if (parts.chunk !== undefined) {
    short.chunk = parts.chunk.subarray(0, 200);
  }
  if (parts.tunnelChunk !== undefined) {
    short.tunnelChunk = parts.tunnelChunk.subarray(0, 200);
  }
  if ("init" in parts && parts.init !== undefined && "tunnelHead" in parts.init) {
    const { tunnelHead: _, ...init } = parts.init;
    (short as RequestParts).init = init;
  }
  return short;
}

function outcomeOf(read: () => void): "read" | "refused" {
  try {
    read();
    return "read";
  } catch {
    return "refused";
  }
}

/** What was read, or the message of the violation. Anything else is thrown on. */
function readOrRefuse(read: () => unknown): unknown {
  try {
    return plain(read());
  } catch (error) {
    if (error instanceof ServeHTTPError && error.code === "protocol-violation") {
      return error.message;
    }
    throw error;
  }
}

function delimited(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), varintOf(BigInt(content.length)), content]);
}

function varintOf(value: bigint): Uint8Array {
  const octets: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    octets.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...octets, Number(rest)]);
}
