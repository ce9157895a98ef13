import { Http2Error } from "./http2-error.js";
import { errorCode, frameFlag, frameType, settingBytes } from "./frames.js";

/**
 * What the head of a frame must keep to, whatever the frame holds: whether it is a stream's or the
 * connection's, and its length where that is fixed (RFC 9113, section 6).
 *
 * @throws Http2Error
 */
export function checkFrameHead(
  type: number,
  flags: number,
  streamId: number,
  length: number,
): void {
  switch (type) {
    case frameType.data:
      checkOwner(streamId, "stream");
      checkLength((flags & frameFlag.padded) === 0 || length > 0, length);
      break;
    case frameType.headers:
    case frameType.continuation:
      checkOwner(streamId, "stream");
      break;
    case frameType.rstStream:
      checkOwner(streamId, "stream");
      checkLength(length === 4, length);
      break;
    case frameType.settings:
      checkOwner(streamId, "connection");
      checkLength(
        (flags & frameFlag.ack) === 0 ? length % settingBytes === 0 : length === 0,
        length,
      );
      break;
    case frameType.ping:
      checkOwner(streamId, "connection");
      checkLength(length === 8, length);
      break;
    case frameType.goaway:
      checkOwner(streamId, "connection");
      checkLength(length >= 8, length);
      break;
    case frameType.windowUpdate:
      checkLength(length === 4, length);
      break;
    default:
    // PRIORITY, which nobody asks for any more, and what is not known.
  }
}

function checkOwner(streamId: number, owner: "stream" | "connection"): void {
  if ((streamId === 0) !== (owner === "connection")) {
    throw new Http2Error(errorCode.protocolError, `a frame of the ${owner}'s on ${streamId}`);
  }
}

function checkLength(isRight: boolean, length: number): void {
  if (!isRight) {
    throw new Http2Error(
      errorCode.frameSizeError,
      `a frame of ${length} bytes, which it can't have`,
    );
  }
}
