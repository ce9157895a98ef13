import { describe, expect, it } from "vitest";
import type { EdgeOptions } from "./edge-options.js";
import { EdgePolicy } from "./edge-policy.js";

/** What the edge makes of a request by a proxy at 10.0.0.1, or another peer. */
function seen(
  sent: readonly string[],
  options: EdgeOptions = {},
  peer = "10.0.0.1",
): {
  readonly remoteAddress: string;
  readonly scheme: string;
  readonly fields: Readonly<Record<string, string>>;
} {
  const policy = new EdgePolicy({ trustedProxies: ["10.0.0.0/8", "unix"], ...options });
  const result = policy.readRequest(["Host", "h.test", ...sent], {
    versionMajor: 1,
    versionMinor: 1,
    peer,
    remoteAddress: peer === "unix" ? "" : `${peer}:4711`,
    scheme: "http",
    authority: undefined,
    basePath: "",
    publicPath: "",
    endedByHead: false,
    upgradable: false,
  });
  if (result.kind === "refusal") {
    throw new Error(result.reason);
  }
  const fields: Record<string, string> = {};
  for (let at = 0; at < result.fields.length; at += 2) {
    fields[result.fields[at] ?? ""] = result.fields[at + 1] ?? "";
  }
  return { remoteAddress: result.remoteAddress, scheme: result.scheme, fields };
}

const byProxy = ["X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https"];

describe("E8: who the client is, by x-forwarded fields", () => {
  it("believes a trusted proxy, by TCP and by a unix socket", () => {
    expect(seen(byProxy)).toEqual({
      remoteAddress: "203.0.113.7:0",
      scheme: "https",
      fields: {
        "X-Forwarded-For": "203.0.113.7, 10.0.0.1",
        "X-Forwarded-Host": "h.test",
        "X-Forwarded-Proto": "https",
        Forwarded:
          'for=203.0.113.7;host="h.test";proto=https, for=10.0.0.1;host="h.test";proto=http',
      },
    });
    expect(seen(byProxy, {}, "unix")).toMatchObject({
      remoteAddress: "203.0.113.7:0",
      fields: { "X-Forwarded-For": "203.0.113.7" },
    });
  });

  it("does not believe anybody else", () => {
    for (const peer of ["192.0.2.1", ""]) {
      expect(seen(byProxy, {}, peer)).toMatchObject({
        remoteAddress: `${peer}:4711`,
        scheme: "http",
        fields: { "X-Forwarded-Proto": "http" },
      });
    }
    expect(seen(byProxy, { trustedProxies: ["10.0.0.0/8"] }, "unix").remoteAddress).toBe("");
    expect(seen(byProxy, { trustedProxies: [] }).remoteAddress).toBe("10.0.0.1:4711");
  });

  it("goes back over trusted proxies, and drops what nobody trusted wrote", () => {
    const sent = ["X-Forwarded-For", "1.1.1.1, 203.0.113.7,10.0.0.9", "x-forwarded-for", "unix:"];
    expect(seen(sent)).toMatchObject({
      remoteAddress: "203.0.113.7:0",
      fields: { "X-Forwarded-For": "203.0.113.7, 10.0.0.9, 10.0.0.1" },
    });
    expect(seen(["X-Forwarded-For", "10.0.0.8, 10.0.0.9"]).remoteAddress).toBe("10.0.0.8:0");
  });

  it.each([
    ["https", "https"],
    ["HTTPS", "https"],
    ["wss", "https"],
    ["ws", "http"],
    ["gopher", "http"],
    // The last one is what the proxy itself has seen.
    ["https, http", "http"],
  ])("takes X-Forwarded-Proto %j for %s", (proto, scheme) => {
    const sent = ["X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", proto];
    expect(seen(sent)).toMatchObject({ scheme, fields: { "X-Forwarded-Proto": scheme } });
    expect(seen(["X-Forwarded-Proto", proto])).toMatchObject({
      scheme,
      remoteAddress: "10.0.0.1:4711",
    });
  });

  it("takes scheme and host of the hop at which the client came", () => {
    const sent = ["X-Forwarded-For", "6.6.6.6, 203.0.113.7, 10.0.0.9"];
    sent.push("X-Forwarded-Proto", "http, https, http", "X-Forwarded-Host", "evil, site, inner");
    expect(seen(sent)).toMatchObject({
      scheme: "https",
      fields: { "X-Forwarded-Host": "site", "X-Forwarded-Proto": "https" },
    });
  });

  it.each([
    ["203.0.113.7:81", "203.0.113.7:81"],
    ["2001:db8::1", "[2001:db8::1]:0"],
    ["[2001:db8::1]", "[2001:db8::1]:0"],
    ["[2001:db8::1]:81", "[2001:db8::1]:81"],
    ["::ffff:203.0.113.7", "203.0.113.7:0"],
    ["unknown", ""],
    ["_hidden", ""],
    ["localhost", ""],
    ["203.0.113", ""],
    ["203.0.113.7:99999", ""],
    ["[203.0.113.7]x", ""],
    ["fe80::1%eth0", ""],
    ["203.0.113.7 203.0.113.8", ""],
    ["1".repeat(65_000), ""],
  ])("reads the address %.40j as %j", (text, remoteAddress) => {
    expect(seen(["X-Forwarded-For", text]).remoteAddress).toBe(remoteAddress);
  });

  it("keeps the connection's address where the proxy says nothing, or nothing but commas", () => {
    for (const sent of [[], ["X-Forwarded-For", ""], ["X-Forwarded-For", ", ,"], ["X-M", "1"]]) {
      expect(seen(sent)).toMatchObject({ remoteAddress: "10.0.0.1:4711", scheme: "http" });
    }
  });

  it("drops Forwarded, and X-Real-IP where it names somebody else", () => {
    const sent = [...byProxy, "Forwarded", "for=6.6.6.6;proto=http", "X-Real-IP", "6.6.6.6"];
    expect(JSON.stringify(seen(sent))).not.toContain("6.6.6.6");
    expect(seen([...byProxy, "X-Real-IP", "203.0.113.7"]).fields["X-Real-IP"]).toBe("203.0.113.7");
  });

  it("is not talked out of it by Connection", () => {
    const sent = [...byProxy, "Connection", "X-Forwarded-For, X-Forwarded-Proto"];
    expect(seen(sent)).toMatchObject({ remoteAddress: "203.0.113.7:0", scheme: "https" });
  });

  it.each(["append", "off"] as const)(
    "does so whatever becomes of the fields (%s)",
    (forwarded) => {
      const sent = ["X-Forwarded-For", "1.1.1.1, 203.0.113.7", "X-Forwarded-Proto", "https"];
      const { fields, ...known } = seen(sent, { forwarded });
      expect(known).toEqual({ remoteAddress: "203.0.113.7:0", scheme: "https" });
      expect(fields["X-Forwarded-For"]).toBe(
        forwarded === "off" ? "1.1.1.1, 203.0.113.7" : "1.1.1.1, 203.0.113.7, 10.0.0.1",
      );
      expect(seen(sent, { forwarded }, "192.0.2.1").remoteAddress).toBe("192.0.2.1:4711");
    },
  );
});

describe("E8: who the client is, by Forwarded", () => {
  const forwarded = (value: string) =>
    seen(["Forwarded", value, "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "gopher"], {
      forwardedBy: "forwarded",
    });

  it("believes a trusted proxy, and makes the other fields from it", () => {
    const value = 'for=6.6.6.6, For="[2001:db8::7]:81";Proto=HTTPS;host="site:8443", for=10.0.0.9';
    expect(forwarded(value)).toEqual({
      remoteAddress: "[2001:db8::7]:81",
      scheme: "https",
      fields: {
        "X-Forwarded-For": "2001:db8::7, 10.0.0.9, 10.0.0.1",
        "X-Forwarded-Host": "site:8443",
        "X-Forwarded-Proto": "https",
        Forwarded:
          'for="[2001:db8::7]";host="site:8443";proto=https, for=10.0.0.9, for=10.0.0.1;host="h.test";proto=http',
      },
    });
  });

  it.each([
    ["for=203.0.113.7", "203.0.113.7:0"],
    ['by=x; for="203.0.113.7:81" ;\tproto=https ,', "203.0.113.7:81"],
    ["for=[2001:db8::1]", "[2001:db8::1]:0"],
    ['for="[2001:db8::1]:_port"', "[2001:db8::1]:0"],
    ['for="203.0.113\\.7"', "203.0.113.7:0"],
    ["proto=https", "10.0.0.1:4711"],
    ["", "10.0.0.1:4711"],
    ["for=unknown", ""],
    ["for=203.0.113.7;for=203.0.113.8", ""],
    // A client's quotation mark in front of what the proxy added.
    ['for="6.6.6.6, for=203.0.113.7', ""],
    ['for="6.6.6.6, for="[2001:db8::1]"', ""],
    ["for 203.0.113.7", ""],
    ["for=a=b", ""],
  ])("reads %j as %j", (value, remoteAddress) => {
    expect(forwarded(value).remoteAddress).toBe(remoteAddress);
  });

  it("reads each line by itself, so that a client's can't reach into a proxy's", () => {
    const sent = ["Forwarded", 'for="6.6.6.6', "Forwarded", "for=203.0.113.7;proto=https"];
    const { remoteAddress, fields } = seen(sent, { forwardedBy: "forwarded" });
    expect(remoteAddress).toBe("203.0.113.7:0");
    expect(JSON.stringify(fields)).not.toContain("6.6.6.6");
  });
});
