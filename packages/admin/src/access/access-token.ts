import { createHash, timingSafeEqual } from "node:crypto";
import { ServeHTTPError } from "@servehttp/host-bridge";
import { tokenCharactersMin } from "../limits.js";

/** The token of an admin. It is compared in a time that does not depend on what was given. */
export class AccessToken {
  readonly #digest: Buffer;

  /** @throws ServeHTTPError `invalid-argument` for a token that can be guessed, or can't be sent */
  constructor(token: string) {
    checkAdminToken(token);
    this.#digest = digestOf(token);
  }

  /** Whether a request's `Authorization` has it. */
  isIn(authorization: string | undefined): boolean {
    const [, given] = /^bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
    return given !== undefined && timingSafeEqual(digestOf(given), this.#digest);
  }
}

/**
 * Checks a token.
 *
 * @throws ServeHTTPError `invalid-argument` for one that can be guessed, or can't be sent
 */
export function checkAdminToken(token: unknown): void {
  const advice = `allowed are ${tokenCharactersMin} visible ASCII characters or more, such as what "openssl rand -hex 16" prints, or false for a unix socket`;
  if (typeof token !== "string") {
    const got = token === undefined ? "nothing" : `a ${typeof token}`;
    throw new ServeHTTPError("invalid-argument", `token: got ${got}, ${advice}`);
  }
  if (token.length < tokenCharactersMin) {
    throw new ServeHTTPError(
      "invalid-argument",
      `token: got one of ${token.length} characters, ${advice}`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `token: got one with spaces or other characters that a header can't carry, ${advice}`,
    );
  }
}

/** Digests are equally long, whatever they are of. */
function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
