import { describe, expect, it } from "vitest";
import type { EdgeOptions } from "./edge-options.js";
import { EdgePolicy } from "./edge-policy.js";
import type { ClientFacts, RequestFields } from "./request-fields.js";
import type { Refusal } from "./refusal.js";

const http1: ClientFacts = {
  versionMajor: 1,
  versionMinor: 1,
  peer: "192.0.2.1",
  remoteAddress: "192.0.2.1:4711",
  scheme: "http",
  authority: undefined,
  basePath: "",
  publicPath: "",
  endedByHead: false,
  upgradable: true,
};
const http10: ClientFacts = { ...http1, versionMinor: 0 };
const http2: ClientFacts = { ...http1, versionMajor: 2, versionMinor: 0, upgradable: false };
const host = ["Host", "h.test"];

function read(
  rawHeaders: readonly string[],
  options: EdgeOptions = { forwarded: "off" },
  client: ClientFacts = http1,
): RequestFields {
  const result = new EdgePolicy(options).readRequest(rawHeaders, client);
  if (result.kind === "refusal") {
    throw new Error(`${result.status} ${result.reason}`);
  }
  return result;
}

function refused(rawHeaders: readonly string[], client = http1): Refusal | undefined {
  const result = new EdgePolicy().readRequest(rawHeaders, client);
  return result.kind === "refusal" ? result : undefined;
}

describe("readRequest", () => {
  it("keeps fields as they came: order, case, number and bytes", () => {
    const fields = [
      "X-M",
      "1",
      "Authorization",
      "a",
      "x-m",
      "caf\xe9",
      "Authorization",
      "b",
      "A_B",
      "",
    ];
    expect(read([...host, ...fields]).fields).toEqual(fields);
  });

  it("keeps every Cookie field of HTTP/1 apart and joins the crumbs of HTTP/2", () => {
    const cookies = ["Cookie", "a=1", "Cookie", "b=2"];
    expect(read([...host, ...cookies]).fields).toEqual(cookies);
    const crumbs = [":authority", "h", "cookie", "a=1", "cookie", "b=2"];
    expect(read(crumbs, { forwarded: "off" }, http2).fields).toEqual(["cookie", "a=1; b=2"]);
  });

  it("leaves pseudo fields of HTTP/2 out and takes the host from :authority", () => {
    const raw = [
      ":method",
      "GET",
      ":path",
      "/x",
      ":scheme",
      "https",
      ":authority",
      "h:1",
      "a",
      "b",
    ];
    const result = read(raw, { forwarded: "off" }, http2);
    expect(result).toMatchObject({ fields: ["a", "b"], host: "h:1" });
  });

  it("removes hop-by-hop fields and those that Connection names", () => {
    const raw = ["Connection", "close, X-Hop,x_other", "Keep-Alive", "timeout=5", "X-Hop", "1"];
    raw.push("Proxy-Connection", "x", "Proxy-Authorization", "y", "X-Other", "2", "X-Kept", "3");
    raw.push(
      "connection",
      "X-Later",
      "X-Later",
      "4",
      "Proxy",
      "http://evil",
      "HTTP2-Settings",
      "z",
    );
    expect(read([...host, ...raw]).fields).toEqual(["X-Kept", "3"]);
  });

  it("keeps TE: trailers and nothing else of TE", () => {
    const wanted = read([
      ...host,
      "Connection",
      "TE",
      "TE",
      "gzip;q=0.5, trailers",
      "te",
      "trailers",
    ]);
    expect(wanted).toMatchObject({ fields: ["TE", "trailers"], trailersWanted: true });
    expect(read([...host, "TE", "gzip"])).toMatchObject({ fields: [], trailersWanted: false });
  });

  it("keeps Trailer, because trailers are passed on", () => {
    expect(read([...host, "Trailer", "X-Sum"]).fields).toEqual(["Trailer", "X-Sum"]);
  });

  it("takes names that differ by an underscore from a special one for neither", () => {
    const raw = [
      "Content_Length",
      "5",
      "Transfer_Encoding",
      "chunked",
      "Host_",
      "x",
      "Upgrade_",
      "y",
    ];
    expect(read([...host, ...raw])).toMatchObject({
      contentLength: 0,
      fields: ["Host_", "x", "Upgrade_", "y"],
    });
  });

  it("answers the same for a name it has seen and when many strange names have come", () => {
    const policy = new EdgePolicy({ forwarded: "off", strip: { headers: ["X-Secret"] } });
    for (let number = 0; number < 2_000; number++) {
      const raw = [...host, `x-${number}`, "v", "x_secret", "S", "Connection", "close"];
      expect(policy.readRequest(raw, http1)).toMatchObject({ fields: [`x-${number}`, "v"] });
    }
  });
});

describe("Host", () => {
  it.each([
    [[...host, "Host", "evil"], http1],
    [[...host, "host", "h.test"], http1],
    [[], http1],
    [["Host", "user@h"], http1],
    [["Host", "h/x"], http1],
    [["Host", 'h"'], http1],
    [["Host", "h\\x"], http1],
    [["Host", "h x"], http1],
    [["Host", "h\xe9"], http1],
    [[":authority", "h", "host", "evil"], http2],
    [[":authority", "user@h"], http2],
  ] as const)("refuses %j", (raw, client) => {
    expect(refused(raw, client)).toMatchObject({ status: 400 });
  });

  it("accepts none on HTTP/1.0, IPv6, and what agrees with :authority", () => {
    expect(read([], {}, http10).host).toBe("");
    expect(read(["Host", "[::1]:8080"]).host).toBe("[::1]:8080");
    expect(read([":authority", "h", "host", "h"], {}, http2).host).toBe("h");
    expect(read(["host", "h"], {}, http2).host).toBe("h");
  });

  it("prefers the authority of a target in absolute form", () => {
    expect(read(host, {}, { ...http1, authority: "target.test" }).host).toBe("target.test");
  });
});

describe("framing", () => {
  it.each([
    [[], http1, 0],
    [["Content-Length", "0"], http1, 0],
    [["Content-Length", "007"], http1, 7],
    [["Content-Length", "9007199254740991"], http1, 9_007_199_254_740_991],
    [["Transfer-Encoding", "chunked"], http1, -1],
    [["transfer-encoding", "Chunked"], http1, -1],
    [["Content-Length", "5"], http10, 5],
    [[], http2, -1],
    [["content-length", "5"], http2, 5],
    [[], { ...http2, endedByHead: true }, 0],
  ] as const)("reads %j as a length and strips it", (raw, client, length) => {
    const result = read([...host, ...raw], { forwarded: "off" }, client);
    expect(result).toMatchObject({ contentLength: length, fields: [] });
  });

  it.each([
    [["Content-Length", "5", "Content-Length", "5"], http1, 400],
    [["Content-Length", "5, 5"], http1, 400],
    [["Content-Length", "abc"], http1, 400],
    [["Content-Length", ""], http1, 400],
    [["Content-Length", "-1"], http1, 400],
    [["Content-Length", "+5"], http1, 400],
    [["Content-Length", "5.0"], http1, 400],
    [["Content-Length", "0x5"], http1, 400],
    [["Content-Length", " 5"], http1, 400],
    [["Content-Length", "9007199254740992"], http1, 400],
    [["Content-Length", "9".repeat(400)], http1, 400],
    [["Content-Length", "5", "Transfer-Encoding", "chunked"], http1, 400],
    [["Transfer-Encoding", "chunked"], http10, 400],
    [["Transfer-Encoding", "chunked"], http2, 400],
    [["Transfer-Encoding", ""], http1, 400],
    [["Transfer-Encoding", ","], http1, 400],
    [["Transfer-Encoding", "chunked, chunked"], http1, 400],
    [["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"], http1, 400],
    [["Transfer-Encoding", "gzip"], http1, 501],
    [["Transfer-Encoding", "gzip, chunked"], http1, 501],
    [["Transfer-Encoding", "gzip", "Transfer-Encoding", "chunked"], http1, 501],
    [["Transfer-Encoding", "chunked, gzip"], http1, 501],
    [["Transfer-Encoding", "identity"], http1, 501],
    [["Transfer-Encoding", "xchunked"], http1, 501],
    [["Transfer-Encoding", "\x0bchunked"], http1, 501],
    [["Expect", "100-continue, x"], http1, 417],
    [["Expect", "200-ok"], http1, 417],
    [["a b", "x"], http1, 400],
    [[":authority", "a".repeat(1_025)], http2, 400],
    [["x".repeat(257), "x"], http1, 400],
    [["x", "v".repeat(65_536)], http1, 431],
    [Array.from({ length: 2_002 }, () => "x"), http1, 431],
    [Array.from({ length: 1_602 }, () => "x"), http1, 431],
  ] as const)("refuses %j", (raw, client, status) => {
    expect(refused([...host, ...raw], client)).toMatchObject({ kind: "refusal", status });
  });

  it("knows who waits for a 100", () => {
    const raw = [...host, "Expect", "100-Continue", "Content-Length", "5"];
    expect(read(raw)).toMatchObject({ expectContinue: true, fields: ["Expect", "100-Continue"] });
    expect(read(raw, {}, http10).expectContinue).toBe(false);
    expect(read(host).expectContinue).toBe(false);
  });
});

describe("upgrades", () => {
  const websocket = ["Connection", "keep-alive, Upgrade", "Upgrade", "WebSocket"];

  it("passes an allowed one on, with what servers look for", () => {
    expect(read([...host, ...websocket, "Sec-WebSocket-Key", "k"])).toMatchObject({
      upgrade: "websocket",
      fields: ["Sec-WebSocket-Key", "k", "Connection", "Upgrade", "Upgrade", "WebSocket"],
    });
    const offer = [...host, "Connection", "Upgrade", "Upgrade", "h2c, websocket"];
    expect(read(offer).fields).toEqual(["Connection", "Upgrade", "Upgrade", "websocket"]);
    const custom = [...host, "Connection", "upgrade", "Upgrade", "my/1"];
    expect(read(custom, { forwarded: "off", upgrades: ["my/1"] }).upgrade).toBe("my/1");
  });

  it.each([
    [
      "h2c",
      ["Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "x"],
      http1,
    ],
    ["one that isn't allowed", ["Connection", "Upgrade", "Upgrade", "TLS/1.0"], http1],
    ["one that Connection doesn't name", ["Upgrade", "websocket"], http1],
    ["one without a protocol", ["Connection", "Upgrade"], http1],
    ["one on a connection that can't", websocket, { ...http1, upgradable: false }],
    ["one of HTTP/1.0", websocket, http10],
    ["one of HTTP/2", ["upgrade", "websocket"], http2],
  ] as const)("strips %s", (_, raw, client) => {
    const result = read([...host, ...raw], { forwarded: "off" }, client);
    expect(result).toMatchObject({ upgrade: undefined, fields: [] });
  });

  it("never allows h2c, even when told to", () => {
    const raw = [...host, "Connection", "Upgrade", "Upgrade", "h2c"];
    expect(read(raw, { upgrades: ["h2c"] }).upgrade).toBeUndefined();
  });
});

/** Ways to forge X-User-Id; each is raw fields beside an identity that sets it. */
const spellings = [
  "X-User-Id x-user-id X-USER-ID x-UsEr-iD X-User_Id X_User-Id X_User_Id",
  "x_user_id X_USER_ID x-user_id x_user-id X_uSEr-ID",
]
  .join(" ")
  .split(" ");
const spoofs: readonly (readonly string[])[] = spellings.flatMap((name) => [
  [name, "evil"],
  [name, "evil", name, "evil2"],
  [name, "evil", "Connection", "x-user-id"],
  ["Connection", name, name, "evil"],
  ["Connection", `close, ${name}`, "x-kept", "1", name, "evil"],
  ["Connection", "keep-alive", "Connection", `${name}, x_user_id`, name, "evil"],
]);

describe("identity spoofing (C9)", () => {
  const identities = [
    ["declared", { identityHeaders: ["X-User-Id"] }, { "x-user-id": "alice" }],
    ["declared with underscores", { identityHeaders: ["x_user_id"] }, { "X-User-Id": "alice" }],
    ["never declared", {}, { "x-user-id": "alice" }],
  ] as const;

  it("has at least 60 variants, all different", () => {
    expect(new Set(spoofs.map((raw) => raw.join("\n"))).size).toBe(spoofs.length);
    expect(spoofs.length).toBeGreaterThanOrEqual(60);
  });

  it.each(identities)("none of them arrives when the name is %s", (_, options, identity) => {
    for (const raw of spoofs) {
      const policy = new EdgePolicy({ ...options, forwarded: "off" });
      const result = policy.readRequest([...host, ...raw], http1) as RequestFields;
      const fields = policy.withIdentity(result.fields, identity);
      const kept = raw.includes("x-kept") ? ["x-kept", "1"] : [];
      expect([raw, fields]).toEqual([raw, [...kept, Object.keys(identity)[0], "alice"]]);
    }
  });

  it("none of them arrives as a trailer", () => {
    const policy = new EdgePolicy({ identityHeaders: ["x-user-id"] });
    for (const raw of spoofs) {
      const fields = policy.readRequestTrailers([...raw, "X-Sum", "1"]);
      expect(fields.filter((_, index) => fields[index - (index % 2)] !== "x-kept")).toEqual([
        "X-Sum",
        "1",
      ]);
    }
  });

  it("none of them arrives when identity says that there is no user", () => {
    for (const raw of spoofs) {
      const policy = new EdgePolicy({ forwarded: "off" });
      const result = policy.readRequest([...host, ...raw], http1) as RequestFields;
      const fields = policy.withIdentity(result.fields, { "x-user-id": undefined });
      expect(fields.join(" ")).not.toContain("evil");
    }
  });

  it("remembers names that identity returned once, for clients without any", () => {
    const policy = new EdgePolicy({ forwarded: "off" });
    const first = policy.readRequest(host, http1) as RequestFields;
    policy.withIdentity(first.fields, { "X-User-Id": "alice" });
    for (const raw of spoofs) {
      const result = policy.readRequest([...host, ...raw], http1) as RequestFields;
      const fields = policy.withIdentity(result.fields, {});
      expect(fields.join(" ")).not.toContain("evil");
    }
  });

  it("gives several values a field each, and replaces the host's own forwarded fields", () => {
    const policy = new EdgePolicy();
    const result = policy.readRequest(host, http1) as RequestFields;
    const fields = policy.withIdentity(result.fields, {
      "X-Group": ["a", " b "],
      "X-Forwarded-For": "203.0.113.9",
    });
    expect(fields.join("|")).toContain("X-Group|a|X-Group|b|X-Forwarded-For|203.0.113.9");
    expect(fields.filter((name) => name === "X-Forwarded-For")).toHaveLength(1);
  });

  it.each([
    { "x-name": "a\r\nX-Evil: 1" },
    { "x-name": "a\0" },
    { "x-name": "Łukasz" },
    { "x-name": ["ok", "a\n"] },
    { "x name": "a" },
    { "": "a" },
    { Host: "evil" },
    { connection: "x" },
    { "Content-Length": "5" },
    { transfer_encoding: "chunked" },
  ])("refuses the identity %j", (identity) => {
    expect(() => new EdgePolicy().withIdentity([], identity)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });

  it("stays right when identity returns more names than it remembers", () => {
    const policy = new EdgePolicy({ forwarded: "off" });
    for (let number = 0; number < 300; number++) {
      const raw = [...host, `X_Id_${number}`, "evil", "x-kept", "1"];
      const result = policy.readRequest(raw, http1) as RequestFields;
      const fields = policy.withIdentity(result.fields, { [`x-id-${number}`]: "alice" });
      expect(fields).toEqual(["x-kept", "1", `x-id-${number}`, "alice"]);
    }
  });
});

const strip = {
  cookies: ["session"],
  headers: ["X-Api_Key", "Host", "Content-Length"],
  queryParameters: ["access_token"],
};

function strippedCookie(value: string): string | undefined {
  return read([...host, "Cookie", value], { forwarded: "off", strip }).fields[1];
}

describe("strip", () => {
  it("removes the host's cookies and leaves the others as they are", () => {
    expect(strippedCookie("session=s; other=1")).toBe("other=1");
    expect(strippedCookie("other=1; session=s")).toBe("other=1");
    expect(strippedCookie("a=1;session=s;b=2")).toBe("a=1;b=2");
    expect(strippedCookie("a=1; session=s; b=2")).toBe("a=1; b=2");
    expect(strippedCookie('a="x; session=s; b=y"')).toBe('a="x; b=y"');
    expect(strippedCookie("session=s; session=t")).toBeUndefined();
    expect(strippedCookie(" session =s;\tsession\t=t")).toBeUndefined();
    expect(strippedCookie("session")).toBeUndefined();
    expect(strippedCookie("xsession=s;  Session=t ; a==b")).toBe("xsession=s;  Session=t ; a==b");
    expect(strippedCookie("\xa0session=s")).toBe("\xa0session=s");
    expect(strippedCookie("session2=1; =session")).toBe("session2=1; =session");
  });

  it("removes the host's headers in every way to write them, but not what frames", () => {
    const raw = ["x-api-key", "S", "X_API_KEY", "S", "X-Api", "1", "Content-Length", "5"];
    expect(read([...host, ...raw], { forwarded: "off", strip })).toMatchObject({
      host: "h.test",
      contentLength: 5,
      fields: ["X-Api", "1"],
    });
  });

  it("removes the host's parameters from the Referer", () => {
    const raw = [...host, "Referer", "http://h/plugins/notes/?access_token=S&a=1"];
    expect(read(raw, { forwarded: "off", strip }).fields[1]).toBe("http://h/plugins/notes/?a=1");
  });

  it("leaves third-party Authorization alone", () => {
    const raw = ["Authorization", "Bearer x"];
    expect(read([...host, ...raw], { forwarded: "off", strip }).fields).toEqual(raw);
  });
});

describe("forwarded fields", () => {
  const sent = ["X-Forwarded-For", "1.1.1.1", "x-forwarded-for", "2.2.2.2"];
  sent.push("X-Forwarded-Host", "evil", "X-Forwarded-Proto", "https");
  sent.push("Forwarded", "for=1.1.1.1", "X-Forwarded-Port", "1", "X-Real-IP", "1.1.1.1");
  const own = ["X-Forwarded-For", "192.0.2.1", "X-Forwarded-Host", "h.test"];
  own.push("X-Forwarded-Proto", "http", "Forwarded", 'for=192.0.2.1;host="h.test";proto=http');
  const appended = ["X-Forwarded-Port", "1", "X-Real-IP", "1.1.1.1"];
  appended.push("X-Forwarded-For", "1.1.1.1, 2.2.2.2, 192.0.2.1", "X-Forwarded-Host", "evil");
  appended.push("X-Forwarded-Proto", "https");
  appended.push(
    "Forwarded",
    'for=1.1.1.1;host="evil";proto=https, for=2.2.2.2, for=192.0.2.1;host="h.test";proto=http',
  );

  it("replaces them by default", () => {
    expect(read([...host, ...sent], {}).fields).toEqual(own);
    const underscored = [
      "X_Forwarded_For",
      "1.1.1.1",
      "x_real_ip",
      "1.1.1.1",
      "X_FORWARDED_PORT",
      "1",
    ];
    expect(read([...host, ...underscored], {}).fields).toEqual(own);
  });

  it("adds to them when told to, one family made from the other", () => {
    const { fields, ...known } = read([...host, ...sent], { forwarded: "append" });
    expect(fields).toEqual(appended);
    expect(known).toMatchObject({ remoteAddress: "192.0.2.1:4711", scheme: "http" });
    expect(read(host, { forwarded: "append" }).fields).toEqual(own);
    expect(read([...host, ...sent], { trustedProxies: ["10.0.0.0/8"] }).fields).toEqual(own);
  });

  it("lets them pass untouched when off", () => {
    expect(read([...host, ...sent], { forwarded: "off" }).fields).toEqual(sent);
  });

  it("can't be told by Connection to drop its own", () => {
    const raw = [...host, "Connection", "X-Forwarded-For, Forwarded", ...sent];
    expect(read(raw, {}).fields).toEqual(own);
    expect(read(raw, { forwarded: "append" }).fields.join("|")).toContain(
      "X-Forwarded-For|192.0.2.1|",
    );
  });

  it("writes addresses as the RFC does", () => {
    const value = (peer: string) => {
      const { fields } = read(["Host", "[::1]:80"], {}, { ...http1, peer, scheme: "https" });
      return fields[fields.length - 1];
    };
    expect(value("2001:db8::1")).toBe('for="[2001:db8::1]";host="[::1]:80";proto=https');
    expect(value("")).toBe('for=unknown;host="[::1]:80";proto=https');
    expect(value("unix")).toBe('for=unknown;host="[::1]:80";proto=https');
    expect(read([], {}, { ...http10, peer: "" }).fields).toEqual([
      "X-Forwarded-Proto",
      "http",
      "Forwarded",
      "for=unknown;proto=http",
    ]);
  });
});

describe("readRequestTrailers", () => {
  it("passes what may be a trailer and drops what frames, routes or authenticates", () => {
    const policy = new EdgePolicy({ strip: { headers: ["x-secret"] } });
    const raw = ["X-Sum", "1", "x-sum", "2", "Content-Length", "5", "Transfer_Encoding", "chunked"];
    raw.push(
      "Host",
      "evil",
      "Cookie",
      "a=1",
      "Authorization",
      "x",
      "If-Match",
      "y",
      "X_Secret",
      "S",
    );
    raw.push("Connection", "x", ":path", "/", "X-Forwarded-For", "1.1.1.1", "Server-Timing", "t");
    raw.push("Expect", "100-continue", "bad name", "x");
    expect(policy.readRequestTrailers(raw)).toEqual([
      "X-Sum",
      "1",
      "x-sum",
      "2",
      "Server-Timing",
      "t",
    ]);
  });
});

describe("maySetCookie", () => {
  const policy = new EdgePolicy({ protectedCookies: ["session"] });

  it.each([
    "session=x",
    "session=x; Path=/",
    " session =x",
    "session",
    "=session=x",
    "= =session",
    "session;x",
  ])("refuses %j", (value) => {
    expect(policy.maySetCookie(value)).toBe(false);
  });

  it.each(["other=1", "other=1; session=x", "session2=x", "Session=x", "", "x=session"])(
    "lets %j pass",
    (value) => {
      expect(policy.maySetCookie(value)).toBe(true);
    },
  );
});

describe("trace context", () => {
  const sent = ["Traceparent", "00-a-b-01", "Accept", "*/*", "tracestate", "a=b", "Baggage", "c=d"];
  const fields = sent.filter((_, at) => at !== 2 && at !== 3);
  const proxies = { forwarded: "off", trustedProxies: ["192.0.2.1"] } as const;

  it.each<[string, EdgeOptions, boolean]>([
    ["a stranger's is dropped", { forwarded: "off" }, false],
    ["that of a trusted proxy passes", proxies, true],
    ["everybody's passes on demand", { forwarded: "off", trustTraceContext: true }, true],
    ["nobody's passes on demand", { ...proxies, trustTraceContext: false }, false],
  ])("%s", (_, options, isTrusted) => {
    const seen = read([...host, ...sent], options);
    expect(seen.fields).toEqual(isTrusted ? sent : ["Accept", "*/*"]);
    expect(seen.traceContext).toEqual({ fields, isTrusted });
  });

  it("is not there where a client sends none, or takes it back by Connection", () => {
    expect(read(host, proxies).traceContext).toBeUndefined();
    const named = ["Connection", "traceparent, tracestate, baggage"];
    const taken = read([...host, ...sent, ...named], proxies);
    expect(taken.fields).toEqual(["Accept", "*/*"]);
    expect(taken.traceContext?.fields).toEqual([]);
  });

  it("of a plugin's call passes, whatever the options say of clients", () => {
    const call = { ...http1, peer: "unix", forwarded: [] };
    const options = { trustTraceContext: false };
    expect(read([...host, ...sent], options, call).fields).toEqual(sent);
  });
});
