import { createCipheriv, createHash } from "node:crypto";

/** Everything random in one run of one check: the same for the same seed. */
export class SceneRandom {
  readonly #seed: string;
  #keys = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** A name that no other exchange of the run has: letters, digits and hyphens. */
  key(): string {
    this.#keys += 1;
    return `${this.#seed}-${this.#keys}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  }

  /** Random bytes. */
  bytes(sizeBytes: number, label = ""): Buffer {
    const key = createHash("sha256").update(`${this.#seed}/${label}`).digest();
    const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
    return cipher.update(Buffer.alloc(sizeBytes));
  }
}
