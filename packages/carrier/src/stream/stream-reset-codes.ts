import { constants } from "node:http2";
import type { ErrorCode, ExchangeErrorCode } from "@servehttp/contract";

/**
 * Why a host gives an exchange up, by the code of the RST_STREAM that cancels its RPC. The code says so even
 * where the request is complete and the host's way closed, when no message can.
 */
const reasons: ReadonlyMap<number, ExchangeErrorCode> = new Map<number, ExchangeErrorCode>([
  [constants.NGHTTP2_CANCEL, "client-disconnected"],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, "deadline"],
  [constants.NGHTTP2_INTERNAL_ERROR, "host-stopping"],
  [constants.NGHTTP2_PROTOCOL_ERROR, "protocol-violation"],
]);

const codes: ReadonlyMap<ErrorCode, number> = new Map(
  Array.from(reasons, ([code, reason]) => [reason, code]),
);

/** The code for a reason. What has none of its own is a cancellation. */
export function streamResetCode(reason: ErrorCode): number {
  return codes.get(reason) ?? constants.NGHTTP2_CANCEL;
}

/** The reason behind a code. What stands for none is a client who left. */
export function reasonOfStreamReset(code: number): ExchangeErrorCode {
  return reasons.get(code) ?? "client-disconnected";
}
