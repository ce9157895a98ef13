import { createHash } from "node:crypto";

/** After so many bytes what a plugin writes begins anew. It is no multiple of any chunk. */
const periodBytes = 100_003;

/**
 * What the `write` steps of a request write, as the routes say: the SHA-256 of `KEY:0`, of `KEY:1`
 * and so on, cut at 100,003 bytes and then from the beginning again.
 */
export function writtenBytes(key: string, sizeBytes: number): Buffer {
  const needed = Math.min(sizeBytes, periodBytes);
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < needed; block += 1) {
    blocks.push(createHash("sha256").update(`${key}:${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, needed);
}

/** The SHA-256 of so many of them, in hex. */
export function writtenSha256(key: string, sizeBytes: number): string {
  const period = writtenBytes(key, sizeBytes);
  const hash = createHash("sha256");
  for (let left = sizeBytes; left > 0; left -= period.length) {
    hash.update(left < period.length ? period.subarray(0, left) : period);
  }
  return hash.digest("hex");
}
