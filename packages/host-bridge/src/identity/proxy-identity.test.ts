import { describe, expect, it } from "vitest";
import { nodeRequest, told } from "../test-rig/node-request.js";
import { proxyIdentity, type ProxyIdentityOptions } from "./proxy-identity.js";

const trustedProxies = ["10.0.0.0/8", "unix"];
const proxy = { peer: "10.1.2.3" };

describe("proxyIdentity", () => {
  it("takes the word of a trusted proxy, and of nobody else", async () => {
    const identity = proxyIdentity({ header: ["X-User", "x-groups"], trustedProxies });
    const fields = [["x-user", "ann"] as const];
    const ann = { "X-User": "ann", "x-groups": undefined };
    expect(await identity(nodeRequest(fields, proxy))).toEqual(ann);
    expect(await identity(nodeRequest(fields, { peer: "unix" }))).toEqual(ann);
    const refused = "403 | Nobody has said who the client is.";
    expect(await told(await identity(nodeRequest(fields)))).toBe(refused);
    expect(await told(await identity(nodeRequest([], proxy)))).toBe(refused);
    expect(await told(await identity(nodeRequest([["x-user", ""]], proxy)))).toBe(refused);
    expect(await told(await identity(nodeRequest([["x_user", "ann"]], proxy)))).toBe(refused);
  });

  it("lets clients of whom nobody says anything in as nobody, if told so", async () => {
    const identity = proxyIdentity({ header: "x-user", trustedProxies, anonymous: "allow" });
    expect(await identity(nodeRequest([["x-user", "root"]]))).toEqual({ "x-user": undefined });
    expect(await identity(nodeRequest([], proxy))).toEqual({ "x-user": undefined });
  });

  it("refuses a request in which the client may have written as well", async () => {
    const identity = proxyIdentity({ header: "x-user", trustedProxies, anonymous: "allow" });
    const twice = nodeRequest(
      [
        ["x-user", "root"],
        ["X-User", "ann"],
      ],
      proxy,
    );
    expect(await told(await identity(twice))).toBe("400 | It is said twice who the client is.");
  });

  it("says what is wrong with its options", () => {
    const made = (options: unknown) => () => proxyIdentity(options as ProxyIdentityOptions);
    expect(made({ header: "x-user" })).toThrow("proxyIdentity.trustedProxies: got undefined");
    expect(made({ header: "x-user", trustedProxies: [] })).toThrow(
      'proxyIdentity.trustedProxies: got an empty array, allowed is an array with at least one address, range such as "10.0.0.0/8", or "unix"',
    );
    expect(made({ header: [], trustedProxies })).toThrow(
      "proxyIdentity.header: got an empty array",
    );
    expect(made({ header: "a b", trustedProxies })).toThrow("proxyIdentity.header");
  });
});
