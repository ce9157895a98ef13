import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** The cookie that the host knows a client by. Plugins never see it. */
export const sessionCookieName = "demo-session";

/** Sessions that are kept at once; the oldest goes first. */
const sessionsMax = 1_000;

/** Who is signed in, in memory. It stands for whatever login a real host has. */
export class Sessions {
  readonly #users = new Map<string, string>();

  /** The user of a request; undefined for somebody who is not signed in. */
  userOf(request: { readonly headers: IncomingHttpHeaders }): string | undefined {
    const cookies = (request.headers.cookie ?? "").split(/;\s*/);
    const cookie = cookies.find((pair) => pair.startsWith(`${sessionCookieName}=`));
    return cookie && this.#users.get(cookie.slice(sessionCookieName.length + 1));
  }

  /** Signs a user in and returns the value of `Set-Cookie`. */
  start(user: string): string {
    const [oldest] = this.#users.keys();
    if (this.#users.size >= sessionsMax && oldest !== undefined) {
      this.#users.delete(oldest);
    }
    const id = randomBytes(24).toString("base64url");
    this.#users.set(id, user);
    return `${sessionCookieName}=${id}; Path=/; HttpOnly; SameSite=Strict`;
  }
}
