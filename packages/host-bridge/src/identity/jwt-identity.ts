import { createPublicKey, type JsonWebKeyInput, type KeyObject } from "node:crypto";
import { ServeHTTPError } from "@servehttp/contract";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { type Given, listOf, type Read, shape, text, value, whole } from "../edge/option-kinds.js";
import type { IdentityFields } from "../edge/read-identity.js";
import { invalidOption } from "../options/option-error.js";
import type { NodeRequest } from "../options/options.js";
import { type Identity, nobody, refusal, utf8Value } from "./identity.js";
import { anonymous, headerName, httpUrl, readIdentityOptions } from "./read-identity-options.js";

/** Signatures that a public key checks: no algorithm with a shared secret, and not "none". */
const publicAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

const names = "a string, or an array of strings that is not empty";
const oneOrMore = z.union(
  [
    text("", (given) => given !== "").transform((one) => [one]),
    z.array(text("", (given) => given !== "")).min(1),
  ],
  { error: names },
);

const claimPath = z.union(
  [text("", (given) => given !== "").transform((one) => [one]), z.array(z.string()).min(1)],
  { error: "a claim's name, or an array of names that lead to it" },
);

const jwtKeys = {
  /**
   * Where the issuer publishes its keys: the URL of a JWK Set (RFC 7517). It is fetched when the
   * first token comes, again after 10 minutes, and when a token names a key that is not among them,
   * at most every 30 s. Give this or `publicKey`. Default: none.
   */
  jwksUrl: httpUrl.optional(),
  /**
   * The issuer's key: PEM (a public key, or a certificate), or a JWK as an object. For an issuer
   * that never changes its key. Default: none.
   */
  publicKey: value<string | Readonly<Record<string, unknown>>>(
    "PEM of a public key or a certificate, or a public JWK",
    (given) => typeof given === "string" || (typeof given === "object" && given !== null),
  ).optional(),
  /**
   * What becomes of the token's claims: names of header fields, and the claim that each gets. An
   * array of names leads into an object: `["realm_access", "roles"]`. Strings, numbers, booleans
   * and arrays of these are passed on, an array as one field an element, text in UTF-8; a claim of
   * another type or that is not there is not. Default: `{ "x-user-id": "sub" }`.
   */
  claims: z
    .record(headerName, claimPath, "an object of header names and claims")
    .default({ "x-user-id": ["sub"] }),
  /** The claim `iss` that a token must have: one of these. Default: any. */
  issuer: oneOrMore.optional(),
  /**
   * The claim `aud` that a token must have, one of these: without it, tokens that the same issuer
   * made for another application count as well. Default: any.
   */
  audience: oneOrMore.optional(),
  /** The signatures that count. Default: all that are made with a private key. */
  algorithms: listOf(
    z.enum(publicAlgorithms, `one of ${publicAlgorithms.join(", ")}`),
    `an array of ${publicAlgorithms.join(", ")}`,
  ).default(publicAlgorithms),
  /**
   * A cookie in which the token may come, for browsers and WebSockets, beside `Authorization:
   * Bearer`. Default: none.
   */
  cookie: text("a cookie's name", (name) => /^[!#$%&'*+\-.^_`|~\w]+$/.test(name)).optional(),
  /**
   * Clients without a token: `"refuse"` answers 401, `"allow"` lets them in as nobody. A token that
   * does not count is refused in either case. Default: `"refuse"`.
   */
  anonymous: anonymous.default("refuse"),
  /** By how much clocks may differ, for the times in a token. Default: 5,000. */
  clockToleranceMs: whole(0, 600_000).default(5_000),
  /** For the answer of `jwksUrl`. Default: 5,000. */
  timeoutMs: whole(1, 29_000).default(5_000),
};

/** Options of `jwtIdentity`: `jwksUrl` or `publicKey`, and what counts. */
export interface JwtIdentityOptions extends Given<typeof jwtKeys> {}

export const jwtSchema = shape(jwtKeys);

type Settings = Read<typeof jwtKeys>;

/**
 * Makes an `identity` of JSON Web Tokens (RFC 7519): each request brings a token that an identity
 * provider has signed, and the plugin gets its claims as header fields. A token must say when it
 * expires (`exp`).
 *
 * ```ts
 * const identity = jwtIdentity({
 *   jwksUrl: "https://login.example.org/.well-known/jwks.json",
 *   issuer: "https://login.example.org/",
 *   audience: "notes",
 *   claims: { "x-user-id": "sub", "x-user-email": "email" },
 * });
 * const host = createPluginHost({ identity, edge: { strip: { headers: ["authorization"] } }, … });
 * ```
 *
 * A client without a token, or with one that does not count, is answered 401 with
 * `WWW-Authenticate: Bearer`, which says why (RFC 6750, section 3). While the keys can't be fetched,
 * requests are answered 503 and the log says why; keys that are known count for 10 minutes. The
 * token itself goes on to the plugin unless `edge.strip` removes it.
 *
 * @throws ServeHTTPError `invalid-argument` for options that are not allowed
 */
export function jwtIdentity(options: JwtIdentityOptions): Identity {
  const settings = readIdentityOptions("jwtIdentity", jwtSchema, options);
  const getKey = keySource(settings);
  const { clockToleranceMs, algorithms, audience, issuer } = settings;
  const rules = {
    algorithms: [...algorithms],
    clockTolerance: clockToleranceMs / 1_000,
    requiredClaims: ["exp"],
    ...(audience === undefined ? undefined : { audience }),
    ...(issuer === undefined ? undefined : { issuer }),
  };
  return async (request) => {
    const token = tokenOf(request, settings.cookie);
    if (token === undefined) {
      return settings.anonymous === "allow"
        ? nobody(Object.keys(settings.claims))
        : refusal(401, "A token is needed.", { "www-authenticate": "Bearer" });
    }
    try {
      const { payload } = await jwtVerify(token, getKey, rules);
      return fieldsOf(payload, settings.claims);
    } catch (error) {
      if (error instanceof ServeHTTPError) {
        throw error;
      }
      const why = whyInvalid(error);
      const challenge = `Bearer error="invalid_token", error_description="${why}"`;
      return refusal(401, `The token does not count: ${why}.`, { "www-authenticate": challenge });
    }
  };
}

function keySource({ jwksUrl, publicKey, timeoutMs }: Settings): JWTVerifyGetKey {
  if ((jwksUrl === undefined) === (publicKey === undefined)) {
    const given = jwksUrl === undefined ? undefined : "jwksUrl and publicKey";
    throw invalidOption(["jwtIdentity"], given, "exactly one of jwksUrl and publicKey");
  }
  if (publicKey !== undefined) {
    const key = readPublicKey(publicKey);
    return () => key;
  }
  const keys = createRemoteJWKSet(new URL(jwksUrl ?? ""), { timeoutDuration: timeoutMs });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (isAboutToken(error)) {
        throw error;
      }
      const why = error instanceof Error ? reasonOf(error) : String(error);
      const message = `jwtIdentity: the keys at ${jwksUrl} can't be had: ${why}`;
      throw new ServeHTTPError("unavailable", message, { cause: error });
    }
  };
}

/** Whether the keys are there, and the one that the token names is not among them. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function reasonOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

function readPublicKey(given: string | Readonly<Record<string, unknown>>): KeyObject {
  try {
    return createPublicKey(
      typeof given === "string"
        ? given
        : ({ key: given, format: "jwk" } as unknown as JsonWebKeyInput),
    );
  } catch {
    throw invalidOption(
      ["jwtIdentity", "publicKey"],
      typeof given === "string" ? { pem: true } : given,
      "PEM of a public key or a certificate, or a public JWK",
    );
  }
}

/** RFC 6750, section 2.1; the scheme's case makes no difference. */
function tokenOf({ headers }: NodeRequest, cookie: string | undefined): string | undefined {
  const [, token] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "") ?? [];
  if (token !== undefined || cookie === undefined) {
    return token;
  }
  for (const pair of (headers.cookie ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === cookie) {
      return pair.slice(at + 1).trim();
    }
  }
  return undefined;
}

/** In words for the client, who sent the token: no character that a quoted string may not have. */
function whyInvalid(error: unknown): string {
  if (error instanceof errors.JWTExpired) {
    return "it has expired";
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `its claim ${error.claim} is ${error.reason === "missing" ? "missing" : "not accepted"}`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "its signature does not match";
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return "its key is unknown";
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return "it names no key, and there are several";
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return "its algorithm is not accepted";
  }
  return "it is malformed";
}

function fieldsOf(payload: JWTPayload, claims: Settings["claims"]): IdentityFields {
  return Object.fromEntries(
    Object.entries(claims).map(([name, path]) => [name, valueOf(claimAt(payload, path))]),
  );
}

function claimAt(payload: JWTPayload, path: readonly string[]): unknown {
  let found: unknown = payload;
  for (const name of path) {
    const isObject = typeof found === "object" && found !== null && Object.hasOwn(found, name);
    found = isObject ? (found as Readonly<Record<string, unknown>>)[name] : undefined;
  }
  return found;
}

function valueOf(claim: unknown): string | readonly string[] | undefined {
  if (Array.isArray(claim)) {
    const values = claim.map(textOf).filter((one) => one !== undefined);
    return values.length === 0 ? undefined : values;
  }
  return textOf(claim);
}

function textOf(claim: unknown): string | undefined {
  return ["string", "number", "boolean"].includes(typeof claim)
    ? utf8Value(String(claim))
    : undefined;
}
