import { trimFieldValue } from "@servehttp/contract";
import { cookieValue } from "../syntax/cookies.js";
import type { AffinityKey } from "./balance.js";
import { instanceTag } from "./instance-tag.js";

/** What binds requests to instances: a cookie or a header. */
export interface AffinitySettings {
  readonly cookie?: string | undefined;
  readonly header?: string | undefined;
  readonly cookieSetBy: "host" | "plugin";
  /** 0: until the browser is closed. */
  readonly cookieTtlSeconds: number;
  readonly cookieSameSite: "lax" | "strict" | "none";
}

/**
 * What binds a request to an instance; undefined where nothing does yet.
 *
 * @param rawHeaders name, value, name, value
 */
export function affinityKey(
  affinity: AffinitySettings,
  rawHeaders: readonly string[],
): AffinityKey | undefined {
  const { cookie, header } = affinity;
  const value =
    cookie === undefined
      ? headerValue(rawHeaders, (header ?? "").toLowerCase())
      : cookieValue(rawHeaders, cookie);
  if (value === undefined) {
    return undefined;
  }
  return cookie !== undefined && affinity.cookieSetBy === "host"
    ? { kind: "tag", value }
    : { kind: "hash", value };
}

/** The cookie by which the host binds clients to one instance. */
export class InstanceCookie {
  /** What browsers send back. */
  readonly value: string;
  readonly #name: string;
  readonly #attributes: string;
  readonly #isSecure: boolean;

  constructor(affinity: AffinitySettings & { readonly cookie: string }, instance: string) {
    const { cookie, cookieSameSite, cookieTtlSeconds } = affinity;
    this.value = instanceTag(instance);
    this.#name = cookie;
    const maxAge = cookieTtlSeconds === 0 ? "" : `; Max-Age=${cookieTtlSeconds}`;
    this.#attributes = `; HttpOnly; SameSite=${sameSite[cookieSameSite]}${maxAge}`;
    // Browsers refuse the one without the other.
    this.#isSecure = cookieSameSite === "none";
  }

  /**
   * The value of a Set-Cookie field; undefined where the client has the cookie.
   *
   * @param rawHeaders of its request
   * @param basePath of the plugin, as clients send it; empty at the root
   */
  setFor(
    rawHeaders: readonly string[],
    basePath: string,
    scheme: "http" | "https",
  ): string | undefined {
    if (cookieValue(rawHeaders, this.#name) === this.value) {
      return undefined;
    }
    const secure = this.#isSecure || scheme === "https" ? "; Secure" : "";
    return `${this.#name}=${this.value}; Path=${basePath || "/"}${this.#attributes}${secure}`;
  }
}

const sameSite = { lax: "Lax", strict: "Strict", none: "None" } as const;

function headerValue(rawHeaders: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) {
      return trimFieldValue(rawHeaders[at + 1] as string) || undefined;
    }
  }
  return undefined;
}
