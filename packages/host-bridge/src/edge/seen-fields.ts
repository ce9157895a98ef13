/** What has been read of a header section so far. */
export interface SeenFields {
  readonly fields: string[];
  readonly cookies: string[];
  readonly forwarded: string[];
  host: string | undefined;
  authority: string | undefined;
  contentLength: number | undefined;
  codings: string | undefined;
  expectContinue: boolean;
  trailersWanted: boolean;
  connectionUpgrade: boolean;
  traceFields: string[] | undefined;
  upgradeOffer: string | undefined;
  named: Set<string> | undefined;
}

export function nothingSeen(): SeenFields {
  return {
    fields: [],
    cookies: [],
    forwarded: [],
    host: undefined,
    authority: undefined,
    contentLength: undefined,
    codings: undefined,
    expectContinue: false,
    trailersWanted: false,
    connectionUpgrade: false,
    traceFields: undefined,
    upgradeOffer: undefined,
    named: undefined,
  };
}

/**
 * Joins the Cookie fields of HTTP/2, which are split for the sake of compression only (RFC 9113,
 * section 8.2.3).
 */
export function pushCookies(
  fields: string[],
  cookies: readonly string[],
  versionMajor: number,
): void {
  if (versionMajor === 1) {
    fields.push(...cookies);
  } else if (cookies.length > 0) {
    fields.push("cookie", cookies.filter((_, index) => index % 2 === 1).join("; "));
  }
}
