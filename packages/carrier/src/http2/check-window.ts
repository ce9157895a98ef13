import { errorCode, frameBytesMax, initialFrameBytesMax, windowBytesMax } from "./frames.js";
import { Http2Error } from "./http2-error.js";

/** The increment of a WINDOW_UPDATE (RFC 9113, section 6.9). @throws Http2Error where it is 0 */
export function checkedIncrement(bytes: number): number {
  if (bytes === 0) {
    throw new Http2Error(errorCode.protocolError, "a WINDOW_UPDATE of nothing");
  }
  return bytes;
}

/** A window as it becomes (section 6.9.1). @throws Http2Error where it is too large */
export function checkedWindow(bytes: number): number {
  if (bytes > windowBytesMax) {
    throw new Http2Error(errorCode.flowControlError, "a window that is too large");
  }
  return bytes;
}

/** SETTINGS_MAX_FRAME_SIZE (section 6.5.2). @throws Http2Error where it is out of its range */
export function checkedFrameBytes(bytes: number): number {
  if (bytes < initialFrameBytesMax || bytes > frameBytesMax) {
    throw new Http2Error(errorCode.protocolError, `frames of at most ${bytes} bytes`);
  }
  return bytes;
}
