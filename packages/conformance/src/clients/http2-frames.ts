import type { Pairs } from "./test-client.js";

/** What an HTTP/2 client says first (RFC 9113, section 3.4): the preface and empty settings. */
export const http2Preface: Uint8Array = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(0x4, 0, 0, Buffer.alloc(0)),
]);

/** A HEADERS frame that ends the header section, and the stream where it is told to. */
export function headersFrame(streamId: number, fields: Pairs, endStream = false): Uint8Array {
  const block = fields.flatMap(([name, value]) => [
    // A literal field that is not indexed, its name written out (RFC 7541, section 6.2.2).
    Buffer.from([0]),
    hpackString(name),
    hpackString(value),
  ]);
  const endHeaders = 0x4;
  return frame(0x1, endHeaders | (endStream ? endStreamFlag : 0), streamId, Buffer.concat(block));
}

/** The flag of DATA and HEADERS that ends a stream (RFC 9113, section 6.1). */
const endStreamFlag = 0x1;

/** How a stream ended on the wire: by END_STREAM, or by RST_STREAM with a code. */
export type StreamEnd = "END_STREAM" | `RST_STREAM ${number}`;

/** Reads frames until the given stream ends, each way that it can end. */
export async function readStreamEnd(
  read: (sizeBytes: number) => Promise<Buffer>,
  streamId: number,
): Promise<StreamEnd> {
  for (;;) {
    const head = await read(9);
    const payload = await read(head.readUIntBE(0, 3));
    const type = head.readUInt8(3);
    if (head.readUInt32BE(5) !== streamId) {
      continue;
    }
    if (type === 0x3) {
      return `RST_STREAM ${payload.readUInt32BE(0)}`;
    }
    if ((type === 0x0 || type === 0x1) && (head.readUInt8(4) & endStreamFlag) !== 0) {
      return "END_STREAM";
    }
  }
}

/** A DATA frame that doesn't end the stream. */
export function dataFrame(streamId: number, data: Uint8Array): Uint8Array {
  return frame(0x0, 0, streamId, data);
}

/** A RST_STREAM frame. */
export function resetFrame(streamId: number, code: number): Uint8Array {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(0x3, 0, streamId, payload);
}

/** Any frame (RFC 9113, section 4.1). */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array,
): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A string without Huffman coding, its length as a 7-bit prefix integer (RFC 7541, section 5). */
function hpackString(text: string): Uint8Array {
  const octets = Buffer.from(text, "latin1");
  const prefixMax = 127;
  if (octets.length < prefixMax) {
    return Buffer.concat([Buffer.from([octets.length]), octets]);
  }
  const length = [prefixMax];
  let rest = octets.length - prefixMax;
  for (; rest >= 128; rest >>= 7) {
    length.push((rest & 127) | 128);
  }
  length.push(rest);
  return Buffer.concat([Buffer.from(length), octets]);
}
