/*
 * The frames of HTTP/2 (RFC 9113, section 6), as far as our connections need them.
 */

/** What a client's connection begins with (section 3.4). */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const frameHeadBytes = 9;

/** The one stream of a connection that is an RPC: the first that a client opens. */
export const rpcStreamId = 1;

export const frameType = {
  data: 0x0,
  headers: 0x1,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const frameFlag = {
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** What each setting takes of the payload of SETTINGS (section 6.5.1). */
export const settingBytes = 6;

export const settingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

export const errorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
} as const;

/** What holds until a SETTINGS frame says otherwise (sections 6.5.2, 6.9.2). */
export const initialWindowBytes = 65_535;
export const initialFrameBytesMax = 16_384;
export const windowBytesMax = 0x7fff_ffff;
export const frameBytesMax = 0xff_ffff;

/** Writes the head of a frame into the bytes, at this offset. */
export function writeFrameHead(
  octets: Buffer,
  length: number,
  type: number,
  flags: number,
  streamId: number,
  offset = 0,
): void {
  octets[offset] = length >>> 16;
  octets[offset + 1] = length >>> 8;
  octets[offset + 2] = length;
  octets[offset + 3] = type;
  octets[offset + 4] = flags;
  octets.writeUInt32BE(streamId, offset + 5);
}

/** A whole frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const octets = Buffer.allocUnsafe(frameHeadBytes + payload.length);
  writeFrameHead(octets, payload.length, type, flags, streamId);
  octets.set(payload, frameHeadBytes);
  return octets;
}

export function settingsFrame(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.allocUnsafe(settingBytes * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, settingBytes * index);
    payload.writeUInt32BE(value, settingBytes * index + 2);
  }
  return frame(frameType.settings, 0, 0, payload);
}

export function windowUpdateFrame(streamId: number, bytes: number): Buffer {
  return frame(frameType.windowUpdate, 0, streamId, uint32(bytes));
}

export function rstStreamFrame(streamId: number, code: number): Buffer {
  return frame(frameType.rstStream, 0, streamId, uint32(code));
}

/** `lastStreamId` is the last one of the other side's that was looked at; `why` is for people. */
export function goawayFrame(lastStreamId: number, code: number, why = ""): Buffer {
  const payload = Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(why)]);
  return frame(frameType.goaway, 0, 0, payload);
}

function uint32(value: number): Buffer {
  const octets = Buffer.allocUnsafe(4);
  octets.writeUInt32BE(value);
  return octets;
}
