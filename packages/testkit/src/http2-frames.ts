/** Types of HTTP/2 frames (RFC 9113, section 6). */
export const frameType = {
  data: 0x0,
  headers: 0x1,
  rstStream: 0x3,
  settings: 0x4,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
} as const;

/** Flags of HTTP/2 frames. A bit means one thing on each type. */
export const frameFlag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4 } as const;

/** The length of what stands in front of a payload (RFC 9113, section 4.1). */
export const frameHeadBytes = 9;

/** What a client says first, without its settings (RFC 9113, section 3.4). */
export const connectionPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Any frame (RFC 9113, section 4.1). */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** The connection preface and empty settings: with these a client may send requests. */
export const clientPreface = Buffer.concat([connectionPreface, frame(frameType.settings, 0, 0)]);

/** A HEADERS frame that ends the header section, and the stream where it is told to. */
export function headersFrame(
  streamId: number,
  fields: Iterable<readonly [string, string]>,
  endStream = false,
): Buffer {
  const block = Array.from(fields, ([name, value]) =>
    // A literal field that is not indexed, its name written out (RFC 7541, section 6.2.2).
    Buffer.concat([Buffer.from([0]), hpackString(name), hpackString(value)]),
  );
  const flags = frameFlag.endHeaders | (endStream ? frameFlag.endStream : 0);
  return frame(frameType.headers, flags, streamId, Buffer.concat(block));
}

/** A DATA frame that does not end the stream. */
export function dataFrame(streamId: number, data: Uint8Array | string): Buffer {
  return frame(frameType.data, 0, streamId, Buffer.from(data));
}

/** A RST_STREAM frame. */
export function resetFrame(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(frameType.rstStream, 0, streamId, payload);
}

/** How a stream ended on the wire: by END_STREAM, or by RST_STREAM with a code. */
export type StreamEnd = "END_STREAM" | `RST_STREAM ${number}`;

/** Reads frames until one ends the given stream. */
export async function readStreamEnd(
  read: (sizeBytes: number) => Promise<Buffer>,
  streamId: number,
): Promise<StreamEnd> {
  for (;;) {
    const head = await read(frameHeadBytes);
    const payload = await read(head.readUIntBE(0, 3));
    const type = head.readUInt8(3);
    if (head.readUInt32BE(5) !== streamId) {
      continue;
    }
    if (type === frameType.rstStream) {
      return `RST_STREAM ${payload.readUInt32BE(0)}`;
    }
    const mayEnd = type === frameType.data || type === frameType.headers;
    if (mayEnd && (head.readUInt8(4) & frameFlag.endStream) !== 0) {
      return "END_STREAM";
    }
  }
}

/** A string without Huffman coding, its length as a 7-bit prefix integer (RFC 7541, section 5). */
function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const prefixMax = 127;
  if (bytes.length < prefixMax) {
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  }
  const length = [prefixMax];
  let rest = bytes.length - prefixMax;
  for (; rest >= 128; rest >>= 7) {
    length.push((rest & 127) | 128);
  }
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}
