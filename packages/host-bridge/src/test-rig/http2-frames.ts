/** What an HTTP/2 client says first (RFC 9113, section 3.4): the preface and empty settings. */
export const http2Preface: Buffer = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(0x4, 0, 0, Buffer.alloc(0)),
]);

/** A HEADERS frame that ends the header section and not the stream. */
export function headersFrame(streamId: number, fields: Readonly<Record<string, string>>): Buffer {
  const block = Object.entries(fields).flatMap(([name, value]) => [
    // A literal field that is not indexed, its name written out (RFC 7541, section 6.2.2).
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return frame(0x1, 0x4, streamId, Buffer.concat(block));
}

/** A DATA frame that does not end the stream. */
export function dataFrame(streamId: number, text: string): Buffer {
  return frame(0x0, 0, streamId, Buffer.from(text));
}

/** A RST_STREAM frame. */
export function resetFrame(streamId: number, code: number): Buffer {
  return frame(0x3, 0, streamId, Buffer.from([0, 0, 0, code]));
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}
