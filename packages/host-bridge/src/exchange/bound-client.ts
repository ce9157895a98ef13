import { type ResponseHead, withField } from "../edge/response-head.js";

/** What binds a client to an instance, and what a cookie that does so depends on. */
export interface BoundClient {
  /** Of its request, before the edge has stripped any: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** Of the plugin, as the client sends it. */
  readonly basePath: string;
  readonly scheme: "http" | "https";
}

/** A cookie that binds clients to an instance of the plugin. */
export interface InstanceCookie {
  /** The value of a Set-Cookie field; undefined where the client has the cookie. */
  setFor(
    rawHeaders: readonly string[],
    basePath: string,
    scheme: "http" | "https",
  ): string | undefined;
}

/** The head of a response that binds its client to the instance, where it is not bound to it yet. */
export function bindClient(
  head: ResponseHead,
  cookie: InstanceCookie,
  { basePath, rawHeaders, scheme }: BoundClient,
): ResponseHead {
  const value = cookie.setFor(rawHeaders, basePath, scheme);
  return value === undefined ? head : withField(head, "Set-Cookie", value);
}
