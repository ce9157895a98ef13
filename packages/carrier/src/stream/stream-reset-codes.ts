import { constants } from "node:http2";
import type { ErrorCode } from "@servehttp/contract";

/**
 * Why a host gives an exchange up, as the code of the RST_STREAM that cancels its RPC. It says so even where the request
 * is complete and its way closed, which no message can.
 */
const codes: ReadonlyMap<ErrorCode, number> = new Map([
  ["client-disconnected", constants.NGHTTP2_CANCEL],
  ["deadline", constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ["host-stopping", constants.NGHTTP2_INTERNAL_ERROR],
  ["protocol-violation", constants.NGHTTP2_PROTOCOL_ERROR],
]);

const reasons: ReadonlyMap<number, ErrorCode> = new Map(
  Array.from(codes, ([reason, code]) => [code, reason]),
);

/** The code for a reason. What has none of its own is a cancellation. */
export function streamResetCode(reason: ErrorCode): number {
  return codes.get(reason) ?? constants.NGHTTP2_CANCEL;
}

/** The reason behind a code. What stands for none is a client who left. */
export function reasonOfStreamReset(code: number): ErrorCode {
  return reasons.get(code) ?? "client-disconnected";
}
