/** What is not so behind a proxy, and stays so until the proxy changes. */
export interface KnownDifference {
  /** What a check sees in its place. */
  readonly found: RegExp;
  /** For the table of the page. */
  readonly why: string;
}

const quietStream = "a client that leaves a quiet stream is noticed";
const brokenResponse = "a response that breaks off is seen as broken";

const ends = {
  found: /HTTP\/2 no: looks complete/,
  why: "HAProxy ends such a response for clients of HTTP/2 as if it were whole.",
};

/** By the name of the proxy and that of the check. */
const differences: Readonly<Record<string, Readonly<Record<string, KnownDifference>>>> = {
  HAProxy: { [brokenResponse]: ends },
  "HAProxy, h2": { [brokenResponse]: ends },
  Apache: {
    [quietStream]: {
      found: /not told/,
      why: "Apache does not notice that a client has left while there is nothing to send to it.",
    },
  },
  Varnish: {
    [quietStream]: {
      found: /not told/,
      why: "Varnish does not notice that a client has left while there is nothing to send to it.",
    },
  },
};

export function knownDifference(proxy: string, check: string): KnownDifference | undefined {
  return differences[proxy]?.[check];
}
