import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { nodeRequest, told } from "../test-rig/node-request.js";
import { jwtIdentity, type JwtIdentityOptions } from "./jwt-identity.js";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let first: Keys;
let second: Keys;
let pem: string;
beforeAll(async () => {
  first = await generateKeyPair("ES256", { extractable: true });
  second = await generateKeyPair("ES256", { extractable: true });
  pem = await exportSPKI(first.publicKey);
});

let server: Server | undefined;
afterEach(() => {
  vi.useRealTimers();
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

async function token(
  claims: JWTPayload = { sub: "ann" },
  {
    keys = first,
    kid = "1",
    exp = "1h",
  }: { keys?: Keys; kid?: string; exp?: string | number } = {},
): Promise<string> {
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid });
  return await jwt.setExpirationTime(exp).sign(keys.privateKey);
}

async function ask(identity: ReturnType<typeof jwtIdentity>, bearer?: string) {
  const fields = bearer === undefined ? [] : [["Authorization", `Bearer ${bearer}`] as const];
  return await told(await identity(nodeRequest(fields)));
}

const invalid = (why: string) =>
  `401 | Bearer error="invalid_token", error_description="${why}" | The token does not count: ${why}.`;

/** A JWK Set; what it holds can be changed, and `status` can. */
async function keyServer() {
  const state = { keys: { "1": first } as Record<string, Keys>, status: 200, body: "", asked: 0 };
  const jwks = async () => {
    const keys = Object.entries(state.keys).map(async ([kid, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
    }));
    return JSON.stringify({ keys: await Promise.all(keys) });
  };
  server = createServer((_request, response) => {
    state.asked += 1;
    response.statusCode = state.status;
    void jwks().then((body) => response.end(state.body || body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { state, jwksUrl: `http://127.0.0.1:${port}/jwks.json` };
}

describe("jwtIdentity", () => {
  it("passes claims on: text in UTF-8, lists as several fields, and what is not there as nobody", async () => {
    const claims = {
      "x-user": "sub",
      "x-name": "name",
      "x-groups": "groups",
      "x-roles": ["realm_access", "roles"],
      "x-level": "level",
      "x-none": "none",
      "x-object": "realm_access",
      "x-proto": ["__proto__", "constructor"],
    };
    const bearer = await token({
      sub: "ann",
      name: "Zoë",
      groups: ["a", 7, { b: 1 }],
      realm_access: { roles: ["editor"] },
      level: 3,
    });
    expect(await ask(jwtIdentity({ publicKey: pem, claims }), bearer)).toEqual({
      "x-user": "ann",
      "x-name": "ZoÃ«",
      "x-groups": ["a", "7"],
      "x-roles": ["editor"],
      "x-level": "3",
      "x-none": undefined,
      "x-object": undefined,
      "x-proto": undefined,
    });
  });

  it("refuses requests without a token, or lets them in as nobody", async () => {
    const refused = await ask(jwtIdentity({ publicKey: pem }));
    expect(refused).toBe("401 | Bearer | A token is needed.");
    const open = jwtIdentity({ publicKey: pem, anonymous: "allow" });
    expect(await ask(open)).toEqual({ "x-user-id": undefined });
    expect(await ask(open, "no.token.atall")).toBe(invalid("it is malformed"));
  });

  it("reads the token from a cookie where there is no bearer", async () => {
    const identity = jwtIdentity({ publicKey: pem, cookie: "session" });
    const cookie = `a=b; session=${await token()}; c=d`;
    expect(await identity(nodeRequest([["Cookie", cookie]]))).toEqual({ "x-user-id": "ann" });
  });

  it("says which of its rules a token breaks", async () => {
    const options = { publicKey: pem, audience: "notes", issuer: ["https://a", "https://b"] };
    const identity = jwtIdentity({ ...options, clockToleranceMs: 0 });
    const good = { sub: "ann", aud: ["notes", "more"], iss: "https://b" };
    expect(await ask(identity, await token(good))).toEqual({ "x-user-id": "ann" });
    const secondsAgo = Math.floor(Date.now() / 1_000) - 100;
    expect(await ask(identity, await token(good, { exp: secondsAgo }))).toBe(
      invalid("it has expired"),
    );
    const forEver = await new SignJWT(good)
      .setProtectedHeader({ alg: "ES256" })
      .sign(first.privateKey);
    expect(await ask(identity, forEver)).toBe(invalid("its claim exp is missing"));
    expect(await ask(identity, await token({ ...good, aud: "other" }))).toBe(
      invalid("its claim aud is not accepted"),
    );
    expect(await ask(identity, await token({ ...good, iss: "https://c" }))).toBe(
      invalid("its claim iss is not accepted"),
    );
    expect(await ask(identity, await token(good, { keys: second }))).toBe(
      invalid("its signature does not match"),
    );
  });

  it("takes no signature that a public key alone can make, and none at all", async () => {
    const identity = jwtIdentity({ publicKey: pem });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = part({ sub: "root", exp: 9_999_999_999 });
    const forged = `${part({ alg: "HS256" })}.${claims}`;
    const signature = createHmac("sha256", pem).update(forged).digest("base64url");
    expect(await ask(identity, `${forged}.${signature}`)).toBe(
      invalid("its algorithm is not accepted"),
    );
    expect(await ask(identity, `${part({ alg: "none" })}.${claims}.`)).toBe(
      invalid("its algorithm is not accepted"),
    );
    const narrow = jwtIdentity({ publicKey: pem, algorithms: ["RS256"] });
    expect(await ask(narrow, await token())).toBe(invalid("its algorithm is not accepted"));
    // The algorithm is one that counts, and the key is none for it.
    const other = `${part({ alg: "RS256" })}.${claims}.${signature}`;
    expect(await ask(identity, other)).toBe(invalid("it is malformed"));
  });

  it("follows an issuer that changes its keys, and asks for them seldom", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { state, jwksUrl } = await keyServer();
    const identity = jwtIdentity({ jwksUrl });
    expect(await ask(identity, await token())).toEqual({ "x-user-id": "ann" });
    state.keys = { "2": second };
    const rotated = await token({ sub: "bob" }, { keys: second, kid: "2" });
    expect(await ask(identity, rotated)).toBe(invalid("its key is unknown"));
    expect(state.asked).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await ask(identity, rotated)).toEqual({ "x-user-id": "bob" });
    expect(await ask(identity, await token())).toBe(invalid("its key is unknown"));
    expect(state.asked).toBe(2);
  });

  it("is unavailable while the keys can't be had, and goes on with known ones for ten minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { state, jwksUrl } = await keyServer();
    const identity = jwtIdentity({ jwksUrl });
    state.status = 500;
    await expect(ask(identity, await token())).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`jwtIdentity: the keys at ${jwksUrl} can't be had: `),
    });
    state.status = 200;
    state.body = "no JSON";
    await expect(ask(identity, await token())).rejects.toMatchObject({ code: "unavailable" });
    state.body = "";
    expect(await ask(identity, await token())).toEqual({ "x-user-id": "ann" });
    server?.close();
    server?.closeAllConnections();
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await ask(identity, await token())).toEqual({ "x-user-id": "ann" });
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await expect(ask(identity, await token())).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("is unavailable where the answer with the keys does not come in time", async () => {
    server = createServer(() => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const identity = jwtIdentity({ jwksUrl: `http://127.0.0.1:${port}/`, timeoutMs: 20 });
    await expect(ask(identity, await token())).rejects.toMatchObject({ code: "unavailable" });
  });

  it("takes a JWK as well, and says what is wrong with its options", async () => {
    const publicKey = { ...(await exportJWK(first.publicKey)) };
    expect(await ask(jwtIdentity({ publicKey }), await token())).toEqual({ "x-user-id": "ann" });
    const wrong = (options: unknown) => () => jwtIdentity(options as JwtIdentityOptions);
    expect(wrong({})).toThrow(
      "jwtIdentity: got undefined, allowed is exactly one of jwksUrl and publicKey",
    );
    expect(wrong({ jwksUrl: "https://a/", publicKey: pem })).toThrow("exactly one of");
    expect(wrong({ jwksUrl: "ftp://a/" })).toThrow(
      'jwtIdentity.jwksUrl: got "ftp://a/", allowed is a URL that begins with "https://" or "http://"',
    );
    expect(wrong({ publicKey: "secret" })).toThrow(
      "jwtIdentity.publicKey: got an object, allowed is PEM of a public key or a certificate, or a public JWK",
    );
    expect(wrong({ publicKey: { kty: "oct", k: "c2VjcmV0" } })).toThrow("jwtIdentity.publicKey");
    expect(wrong({ publicKey: pem, claims: { "content-length": "sub" } })).toThrow(
      "jwtIdentity.claims",
    );
    expect(wrong({ publicKey: pem, algorithms: ["HS256"] })).toThrow("jwtIdentity.algorithms[0]");
    expect(wrong({ publicKey: pem, isuer: "https://a" })).toThrow(
      "jwtIdentity.isuer: no such option (did you mean issuer?); allowed are jwksUrl, publicKey, claims,",
    );
  });
});
