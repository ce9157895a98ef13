import { constants } from "node:http2";
import type { ErrorCode, ExchangeErrorCode } from "@servehttp/contract";

/**
 * The reasons why a host gives an exchange up, by the code of the RST_STREAM that cancels its RPC.
 * No message could say it where the request is complete and the host sends nothing more.
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

/** The code for a reason. A reason without a code of its own is a cancellation. */
export function streamResetCode(reason: ErrorCode): number {
  return codes.get(reason) ?? constants.NGHTTP2_CANCEL;
}

/** The reason behind a code. Codes without a reason mean that the client left. */
export function reasonOfStreamReset(code: number): ExchangeErrorCode {
  return reasons.get(code) ?? "client-disconnected";
}
