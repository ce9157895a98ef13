import { grpcPrefixBytes } from "../wire/wire-writer.js";

/** A message that was written with gRPC's prefix, without it. */
export function bareMessage(segments: readonly Buffer[]): Buffer {
  return Buffer.concat(segments).subarray(grpcPrefixBytes);
}
