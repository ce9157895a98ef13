import { createCipheriv, createHash } from "node:crypto";

/**
 * Random bytes that depend on a seed alone, so that a handler and its client make the same body.
 * They are AES-CTR over zeros, which is fast enough for a gibibyte.
 *
 * @param seed - any text
 * @param sizeBytes - how many bytes
 * @param chunkBytes - the size of each chunk but the last
 */
export function* seededChunks(
  seed: string,
  sizeBytes: number,
  chunkBytes = 65_536,
): Generator<Uint8Array> {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  const zeros = Buffer.alloc(chunkBytes);
  for (let left = sizeBytes; left > 0; left -= chunkBytes) {
    yield cipher.update(left < chunkBytes ? zeros.subarray(0, left) : zeros);
  }
}

/** The same bytes in one piece. */
export function seededBytes(seed: string, sizeBytes: number): Uint8Array {
  return Buffer.concat([...seededChunks(seed, sizeBytes)]);
}

/** The SHA-256 of those bytes, in hex, without holding them. */
export function seededSha256(seed: string, sizeBytes: number): string {
  const hash = createHash("sha256");
  for (const chunk of seededChunks(seed, sizeBytes)) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** The SHA-256 of bytes, in hex. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
