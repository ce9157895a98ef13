import { randomBytes } from "node:crypto";

/** Names exchanges: a random part for the host, then a count, so that a name costs no entropy. */
export class RequestIds {
  readonly #host = randomBytes(6).toString("base64url");
  #count = 0;

  next(): string {
    this.#count += 1;
    return `${this.#host}-${this.#count.toString(36)}`;
  }
}
