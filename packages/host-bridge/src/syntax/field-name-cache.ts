import { comparableName, fieldNameBytesMax, isToken } from "@servehttp/contract";
import { fieldNamesRememberedMax } from "../limits.js";

/** What is known of a header field's name. */
export interface FieldName<Kind> {
  readonly lower: string;
  /** By `comparableName`. */
  readonly comparable: string;
  readonly kind: Kind;
}

/**
 * Remembers what a raw header name means, so that a common name costs one look-up in a map: no
 * lower-casing, no validation, no comparing with lists. Clients choose the names, so the cache is
 * bounded: once full, it starts again from the common names.
 */
export class FieldNameCache<Kind> {
  readonly #names = new Map<string, FieldName<Kind>>();
  readonly #kindOf: (comparable: string, underscored: boolean) => Kind;

  /**
   * @param kindOf is asked once for each name; `underscored` says that the name was written with a
   * "_"
   */
  constructor(kindOf: (comparable: string, underscored: boolean) => Kind) {
    this.#kindOf = kindOf;
    this.reset();
  }

  /**
   * What a name means; undefined when it is no token of at most 256 bytes (RFC 9110, section 5.1).
   */
  get(name: string): FieldName<Kind> | undefined {
    return this.#names.get(name) ?? this.#add(name);
  }

  /** Forgets, so that `kindOf` is asked again. */
  reset(): void {
    this.#names.clear();
    for (const name of commonNames) {
      this.#add(name);
      this.#add(name.toLowerCase());
    }
  }

  #add(name: string): FieldName<Kind> | undefined {
    if (name.length > fieldNameBytesMax || !isToken(name)) {
      return undefined;
    }
    // A copy: a slice of the head from which the name was read would keep the whole head alive.
    const own = Buffer.from(name, "latin1").toString("latin1");
    const lower = own.toLowerCase();
    const comparable = comparableName(own);
    const known = { lower, comparable, kind: this.#kindOf(comparable, comparable !== lower) };
    if (this.#names.size >= fieldNamesRememberedMax) {
      this.reset();
    }
    this.#names.set(own, known);
    return known;
  }
}

/** The names that clients and plugins send most; the cache never forgets these. */
const commonNames = [
  "Accept",
  "Accept-Encoding",
  "Accept-Language",
  "Accept-Ranges",
  "Access-Control-Allow-Origin",
  "Authorization",
  "Cache-Control",
  "Connection",
  "Content-Disposition",
  "Content-Encoding",
  "Content-Length",
  "Content-Type",
  "Cookie",
  "Date",
  "ETag",
  "Expect",
  "Expires",
  "Forwarded",
  "Host",
  "If-Modified-Since",
  "If-None-Match",
  "Keep-Alive",
  "Last-Modified",
  "Location",
  "Origin",
  "Pragma",
  "Priority",
  "Range",
  "Referer",
  "Sec-Ch-Ua",
  "Sec-Ch-Ua-Mobile",
  "Sec-Ch-Ua-Platform",
  "Sec-Fetch-Dest",
  "Sec-Fetch-Mode",
  "Sec-Fetch-Site",
  "Sec-Fetch-User",
  "Server",
  "Set-Cookie",
  "TE",
  "Transfer-Encoding",
  "Upgrade",
  "Upgrade-Insecure-Requests",
  "User-Agent",
  "Vary",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Powered-By",
  "X-Request-Id",
  "X-Requested-With",
];
