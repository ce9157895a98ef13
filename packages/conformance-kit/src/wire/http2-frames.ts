/** What a connection of HTTP/2 begins with (RFC 9113, section 3.4). */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** RFC 9113, section 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;

/** RFC 9113, section 6. END_STREAM and ACK are the same bit. */
export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

/** RFC 9113, section 6.5.2. */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

const headBytes = 9;

/** A frame as bytes. */
export function frame(type: number, flag: number, streamId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A payload of one number of 32 bits. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A SETTINGS frame. */
export function settingsFrame(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return frame(frameTypes.settings, 0, 0, payload);
}

/** The settings in a payload. */
export function readSettings(payload: Buffer): ReadonlyMap<number, number> {
  const settings = new Map<number, number>();
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }
  return settings;
}

/** Cuts what a connection brings into frames, behind the first `skipBytes`. */
export class FrameCutter {
  #skipBytes: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(skipBytes = 0) {
    this.#skipBytes = skipBytes;
  }

  push(input: Buffer, take: (one: Frame) => void): void {
    const skipped = Math.min(this.#skipBytes, input.length);
    this.#skipBytes -= skipped;
    const data = input.subarray(skipped);
    this.#bytes = this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]);
    for (;;) {
      const bytes = this.#bytes;
      const end = bytes.length < headBytes ? headBytes : headBytes + bytes.readUIntBE(0, 3);
      if (bytes.length < end) {
        return;
      }
      this.#bytes = bytes.subarray(end);
      take({
        type: bytes.readUInt8(3),
        flags: bytes.readUInt8(4),
        streamId: bytes.readUInt32BE(5) & 0x7f_ff_ff_ff,
        payload: bytes.subarray(headBytes, end),
      });
    }
  }
}
