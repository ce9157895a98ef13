import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import { Http2Error } from "./http2-error.js";
import { FrameReader, withoutPadding } from "./frame-reader.js";
import { errorCode, frame, frameFlag, frameType } from "./frames.js";

const dataBytesMax = 30_000;

/** What a reader says, the pieces of one frame's data put together. */
type Said =
  | { data: Buffer; streamId: number; bytes: number; flags: number }
  | { type: number; flags: number; streamId: number; payload: Buffer };

describe("Http2FrameReader", () => {
  it("reads the same, however the input is cut", () => {
    const cuts = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20_000 })),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(fc.array(someFrame, { maxLength: 8 }), cuts, (frames, lengths) => {
        const octets = Buffer.concat(frames.map(({ octets: ones }) => ones));
        expect(read(cut(octets, lengths))).toEqual(frames.map(({ said }) => said));
      }),
      randomRuns(300),
    );
  });

  it("reads the same one byte at a time", () => {
    fc.assert(
      fc.property(fc.array(shortFrame, { maxLength: 4 }), (frames) => {
        const octets = Buffer.concat(frames.map(({ octets: ones }) => ones));
        expect(read(cut(octets, [1]))).toEqual(frames.map(({ said }) => said));
      }),
      randomRuns(100),
    );
  });

  it("hands on the bytes of DATA as they come, as views", () => {
    const input = frame(frameType.data, 0, 1, Buffer.alloc(1_000, 7)).subarray(0, 500);
    const pieces: Buffer[] = [];
    new FrameReader({ ...deaf, takeData: (_id, octets) => pieces.push(octets) }, 1_000).push(input);
    expect(pieces.map(({ length }) => length)).toEqual([491]);
    expect(pieces[0]!.buffer).toBe(input.buffer);
  });

  it("keeps nothing of a frame that is put together but its own bytes", () => {
    // Pieces that were kept as views would keep a whole read each.
    const payloads: Buffer[] = [];
    const reader = new FrameReader(
      { ...deaf, takeFrame: (_type, _flags, _id, payload) => payloads.push(payload) },
      1_000,
    );
    const slab = frame(frameType.headers, 0, 1, Buffer.alloc(10_000, 7));
    reader.push(slab.subarray(0, 5_000));
    slab.fill(0, 0, 5_000);
    reader.push(slab.subarray(5_000));
    expect(payloads[0]!.equals(Buffer.alloc(10_000, 7))).toBe(true);
  });

  it("says nothing more once it is closed, in the middle of its input too", () => {
    const said: string[] = [];
    const reader: FrameReader = new FrameReader(
      {
        ...deaf,
        takeFrame: (type) => {
          said.push(String(type));
          reader.close();
        },
      },
      1_000,
    );
    const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
    reader.push(Buffer.concat([ping, ping]));
    reader.push(ping);
    expect(said).toEqual([String(frameType.ping)]);
  });

  it("takes frames that are as long as they may be", () => {
    const longest = Buffer.concat([
      frame(frameType.data, 0, 1, Buffer.alloc(dataBytesMax)),
      frame(frameType.headers, 0, 1, Buffer.alloc(16_384)),
      frame(
        frameType.data,
        frameFlag.padded,
        1,
        Buffer.concat([Buffer.from([9]), Buffer.alloc(9)]),
      ),
    ]);
    expect(read([longest])).toHaveLength(3);
  });

  it.each([
    ["DATA that is too long", frameHead(dataBytesMax + 1, frameType.data, 0, 1), "frameSizeError"],
    ["HEADERS that are too long", frameHead(16_385, frameType.headers, 0, 1), "frameSizeError"],
    ["a frame of 2^24 - 1 bytes", frameHead(0xff_ffff, 0x77, 0, 1), "frameSizeError"],
    ["an HTTP/1 server", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), "frameSizeError"],
    [
      "more padding than bytes",
      frame(frameType.data, frameFlag.padded, 1, Buffer.from([4, 0, 0, 0])),
      "protocolError",
    ],
    [
      "padding of which nothing is said",
      frame(frameType.data, frameFlag.padded, 1, Buffer.alloc(0)),
      "frameSizeError",
    ],
    ["DATA of the connection's", frameHead(1, frameType.data, 0, 0), "protocolError"],
    ["HEADERS of the connection's", frameHead(1, frameType.headers, 0, 0), "protocolError"],
    [
      "CONTINUATION of the connection's",
      frameHead(1, frameType.continuation, 0, 0),
      "protocolError",
    ],
    ["RST_STREAM of the connection's", frameHead(4, frameType.rstStream, 0, 0), "protocolError"],
    ["RST_STREAM of 5 bytes", frameHead(5, frameType.rstStream, 0, 1), "frameSizeError"],
    ["SETTINGS of a stream's", frameHead(0, frameType.settings, 0, 1), "protocolError"],
    ["SETTINGS of 7 bytes", frameHead(7, frameType.settings, 0, 0), "frameSizeError"],
    [
      "an acknowledgement with SETTINGS",
      frameHead(6, frameType.settings, frameFlag.ack, 0),
      "frameSizeError",
    ],
    ["PING of a stream's", frameHead(8, frameType.ping, 0, 1), "protocolError"],
    ["PING of 7 bytes", frameHead(7, frameType.ping, 0, 0), "frameSizeError"],
    ["GOAWAY of a stream's", frameHead(8, frameType.goaway, 0, 1), "protocolError"],
    ["GOAWAY of 7 bytes", frameHead(7, frameType.goaway, 0, 0), "frameSizeError"],
    ["WINDOW_UPDATE of 3 bytes", frameHead(3, frameType.windowUpdate, 0, 1), "frameSizeError"],
  ] as const)("refuses %s, before it has come", (_name, octets, code) => {
    for (const pieces of [[octets], cut(octets, [1])]) {
      expect(() => read(pieces)).toThrow(Http2Error);
      expect(() => read(pieces)).toThrow(expect.objectContaining({ code: errorCode[code] }));
    }
  });
});

it("the padding of a whole frame is taken off, and never more than there is", () => {
  const padded = (...octets: number[]) => withoutPadding(Buffer.from(octets), frameFlag.padded);
  expect([...padded(2, 1, 0, 0)]).toEqual([1]);
  expect([...padded(0, 1)]).toEqual([1]);
  expect([...padded(1, 0)]).toEqual([]);
  expect([...withoutPadding(Buffer.from([2, 1]), 0)]).toEqual([2, 1]);
  for (const wrong of [[], [1], [3, 1, 2]]) {
    expect(() => padded(...wrong)).toThrow(
      expect.objectContaining({ code: errorCode.protocolError }),
    );
  }
});

const deaf = {
  beginData: () => undefined,
  takeData: () => undefined,
  endData: () => undefined,
  takeFrame: () => undefined,
};

const streamId = fc.constantFrom(1, 3, 0x7fff_ffff);

function someOctets(maxLength: number): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(maxLength), fc.nat(255))
    .map(([length, first]) => Buffer.from(Uint8Array.from({ length }, (_, at) => first + at * 7)));
}

function dataFrame(maxLength: number) {
  return fc
    .tuple(someOctets(maxLength), streamId, fc.boolean(), fc.option(fc.nat(255)))
    .map(([data, id, ends, padding]) => {
      const flags = (ends ? frameFlag.endStream : 0) | (padding === null ? 0 : frameFlag.padded);
      const payload =
        padding === null
          ? data
          : Buffer.concat([Buffer.from([padding]), data, Buffer.alloc(padding)]);
      const said: Said = { data, streamId: id, bytes: payload.length, flags };
      return { octets: frame(frameType.data, flags, id, payload), said };
    });
}

function wholeFrame(maxLength: number) {
  return fc
    .tuple(
      fc.constantFrom(frameType.headers, 0x2, 0x77),
      fc.nat(255),
      streamId,
      someOctets(maxLength),
    )
    .map(([type, flags, id, payload]) => {
      const said: Said = { type, flags, streamId: id, payload };
      return { octets: frame(type, flags, id, payload), said };
    });
}

const someFrame = fc.oneof(dataFrame(29_000), wholeFrame(16_384), dataFrame(3), wholeFrame(3));
const shortFrame = fc.oneof(dataFrame(40), wholeFrame(40));

function frameHead(length: number, type: number, flags: number, id: number): Buffer {
  const head = frame(type, flags, id, Buffer.alloc(0));
  head.writeUIntBE(length, 0, 3);
  return head;
}

function cut(octets: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < octets.length; turn += 1) {
    const end = at + (lengths[turn % lengths.length] as number);
    pieces.push(octets.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** Also holds the reader to the order of its calls. */
function read(pieces: readonly Buffer[]): Said[] {
  const said: Said[] = [];
  let begun: { streamId: number; bytes: number; pieces: Buffer[] } | undefined;
  const reader = new FrameReader(
    {
      beginData: (id, bytes) => {
        demand(begun === undefined, "a frame begins when the last one is over");
        begun = { streamId: id, bytes, pieces: [] };
      },
      takeData: (id, octets) => {
        demand(begun?.streamId === id && octets.length > 0, "data is that of a frame");
        begun?.pieces.push(octets);
      },
      endData: (id, flags) => {
        demand(begun?.streamId === id, "what ends has begun");
        said.push({
          data: Buffer.concat(begun?.pieces ?? []),
          streamId: id,
          bytes: begun?.bytes ?? -1,
          flags,
        });
        begun = undefined;
      },
      takeFrame: (type, flags, id, payload) => {
        demand(begun === undefined, "a frame begins when the last one is over");
        said.push({ type, flags, streamId: id, payload });
      },
    },
    dataBytesMax,
  );
  for (const piece of pieces) {
    reader.push(piece);
  }
  return said;
}

function demand(holds: boolean, what: string): void {
  if (!holds) {
    throw new Error(`not so: ${what}`);
  }
}
