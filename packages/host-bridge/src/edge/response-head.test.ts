import { createServer as createHttp1Server, request } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { EdgePolicy } from "./edge-policy.js";
import {
  readInformational,
  readResponseHead,
  readResponseTrailers,
  type ResponseRules,
  toHttp2Fields,
} from "./response-head.js";

const policy = new EdgePolicy({ protectedCookies: ["session"] });
const http1: ResponseRules = {
  method: "GET",
  versionMajor: 1,
  versionMinor: 1,
  policy,
  redirects: undefined,
};
const http10: ResponseRules = { ...http1, versionMinor: 0 };
const http2: ResponseRules = { ...http1, versionMajor: 2, versionMinor: 0 };

function head(status: number, headers: readonly string[] = [], rules = http1) {
  return readResponseHead({ status, headers }, rules);
}

describe("readResponseHead", () => {
  it("passes fields on with order, case, number and bytes", () => {
    const headers = ["X-M", "1", "Set-Cookie", "a=1", "x-m", "caf\xe9", "Set-Cookie", "b=2"];
    headers.push("Date", "then", "Server", "mine", "Empty", "");
    expect(head(200, headers)).toEqual({
      status: 200,
      fields: headers,
      contentLength: undefined,
      bodyAllowed: true,
      announcesTrailers: false,
    });
  });

  it("passes on a reason phrase of the plugin's own", () => {
    const init = { status: 404, headers: [], reason: "No such caf\xe9" };
    expect(readResponseHead(init, http1)).toMatchObject({ status: 404, reason: init.reason });
    expect(head(404)).not.toHaveProperty("reason");
  });

  it.each(["a\r\nX-Evil: 1", "a\nb", "\0", "caf\u010a", "x".repeat(257)])(
    "fails on the reason phrase %j (P8)",
    (reason) => {
      expect(() => readResponseHead({ status: 200, headers: [], reason }, http1)).toThrow(
        expect.objectContaining({ code: "handler-failed" }),
      );
    },
  );

  it.each([200, 299, 404, 599, 600, 999])("accepts the status %d", (status) => {
    expect(head(status).status).toBe(status);
  });

  it.each([-1, 0, 42, 99, 100, 101, 103, 199, 1000, 65_535, Number.NaN, 200.5, Infinity])(
    "fails on the status %d",
    (status) => {
      expect(() => head(status)).toThrow(expect.objectContaining({ code: "handler-failed" }));
    },
  );

  it("answers 500 for statuses over 599 on HTTP/2", () => {
    expect(head(600, [], http2).status).toBe(500);
    expect(head(599, [], http2).status).toBe(599);
  });

  it("removes hop-by-hop and framing fields, and those that Connection names", () => {
    const headers = [
      "Connection",
      "close, X-Hop",
      "X-Hop",
      "1",
      "Keep-Alive",
      "x",
      "Upgrade",
      "h2c",
    ];
    headers.push("Proxy-Authenticate", "y", "TE", "z", "X-Kept", "1", "Proxy-Connection", "a");
    headers.push("connection", "x-second", "X-Second", "2", "HTTP2-Settings", "b");
    expect(head(200, headers).fields).toEqual(["X-Kept", "1"]);
  });

  it("passes on a field that only in requests concerns a proxy", () => {
    const headers = ["Proxy-Authorization", "A", "proxy-authorization", "B"];
    expect(head(200, headers).fields).toEqual(headers);
    const named = ["Connection", "Proxy-Authorization", ...headers];
    expect(head(200, named).fields).toEqual([]);
  });

  it("notes each name once that Connection fields name, and none beyond the limit of a section (H2)", () => {
    const fieldNaming = (count: number, from: number) => [
      "Connection",
      Array.from({ length: count }, (_, at) => `x${from + at}`).join(),
    ];
    using adds = vi.spyOn(Set.prototype, "add");
    head(200, Array.from({ length: 900 }, (_, at) => fieldNaming(9, 9 * at)).flat());
    expect(adds.mock.calls.length).toBe(900 * 9);
    adds.mockClear();
    const beyond = Array.from({ length: 900 }, (_, at) => fieldNaming(100, 100 * at)).flat();
    expect(() => head(200, beyond)).toThrow("too large");
    expect(adds.mock.calls.length).toBeLessThan(65_536 / 3);
  });

  it("parses the length and writes it itself", () => {
    expect(head(200, ["content-length", " 007 "])).toEqual({
      status: 200,
      fields: ["Content-Length", "7"],
      contentLength: 7,
      bodyAllowed: true,
      announcesTrailers: false,
    });
  });

  it("never has both Content-Length and Transfer-Encoding", () => {
    expect(head(200, ["Transfer-Encoding", "chunked", "Content-Length", "5"])).toMatchObject({
      fields: [],
      contentLength: undefined,
    });
    expect(head(200, ["Transfer-Encoding", "gzip"]).fields).toEqual([]);
  });

  it.each([204, 205])("allows no body and no framing field on %d", (status) => {
    expect(head(status, ["Content-Length", "abc", "ETag", "e"])).toEqual({
      status,
      fields: ["ETag", "e"],
      contentLength: undefined,
      bodyAllowed: false,
      announcesTrailers: false,
    });
  });

  it("keeps the declared length of a 304, and expects no body", () => {
    expect(head(304, ["Content-Length", "11", "ETag", "e"])).toEqual({
      status: 304,
      fields: ["ETag", "e", "Content-Length", "11"],
      contentLength: undefined,
      bodyAllowed: false,
      announcesTrailers: false,
    });
    expect(head(304, ["Transfer-Encoding", "chunked"]).fields).toEqual([]);
  });

  it("keeps the declared length of a HEAD, and expects no body", () => {
    expect(head(200, ["Content-Length", "5"], { ...http1, method: "HEAD" })).toEqual({
      status: 200,
      fields: ["Content-Length", "5"],
      contentLength: undefined,
      bodyAllowed: false,
      announcesTrailers: false,
    });
  });

  it.each([
    ["Content-Length", "abc"],
    ["Content-Length", ""],
    ["Content-Length", "-1"],
    ["Content-Length", "5, 5"],
    ["Content-Length", "1e3"],
    ["Content-Length", "99999999999999999999"],
    ["Content-Length", "5", "content-length", "5"],
    ["X", "a\r\nSet-Cookie: session=x"],
    ["X", "a\nb"],
    ["X", "a\rb"],
    ["X", "a\0b"],
    ["X", "a\x7f"],
    ["X", "a\x1b[31m"],
    ["X", "\u0100"],
    ["X\r\nY", "a"],
    ["X Y", "a"],
    ["X:", "a"],
    [":status", "200"],
    ["", "a"],
    ["\xe9", "a"],
    ["x".repeat(257), "a"],
  ])("fails on %j", (...headers) => {
    for (const rules of [http1, http2]) {
      expect(() => head(200, headers, rules)).toThrow(
        expect.objectContaining({ code: "handler-failed" }),
      );
    }
  });

  it("calls a header flood a violation", () => {
    const many = Array.from({ length: 2_002 }, () => "x");
    for (const headers of [["X", "v".repeat(65_536)], many]) {
      expect(() => head(200, headers)).toThrow(
        expect.objectContaining({ code: "protocol-violation" }),
      );
    }
  });

  it("drops cookies that belong to the host", () => {
    const headers = [
      "Set-Cookie",
      "session=evil",
      "set-cookie",
      "a=1",
      "SET-COOKIE",
      "=session=evil",
    ];
    expect(head(200, headers).fields).toEqual(["set-cookie", "a=1"]);
  });

  it("announces trailers only where Node lets it", () => {
    const trailer = ["Trailer", "X-Sum"];
    expect(head(200, trailer).fields).toEqual(trailer);
    expect(head(200, [...trailer, "Content-Length", "5"]).fields).toEqual(["Content-Length", "5"]);
    expect(head(204, trailer).fields).toEqual([]);
    expect(head(200, trailer, http10).fields).toEqual([]);
    expect(head(200, [...trailer, "Content-Length", "5"], http2).fields).toContain("Trailer");
  });
});

describe("readInformational", () => {
  it("passes 100 and 102 to 199 with their fields, without framing", () => {
    const informational = { status: 103, headers: ["Link", "</a>", "Content-Length", "5"] };
    expect(readInformational(informational, http1)).toEqual({
      status: 103,
      fields: ["Link", "</a>"],
    });
    expect(readInformational({ status: 100, headers: [] }, http2)?.status).toBe(100);
  });

  it("sends none to HTTP/1.0", () => {
    expect(readInformational({ status: 103, headers: [] }, http10)).toBeUndefined();
  });

  it.each([101, 99, 200, 0, Number.NaN, 150.5])("fails on the status %d", (status) => {
    expect(() => readInformational({ status, headers: [] }, http1)).toThrow(
      expect.objectContaining({ code: "handler-failed" }),
    );
  });
});

describe("readResponseTrailers", () => {
  it("drops fields that a trailer section may not hold", () => {
    const trailers = ["X-Sum", "1", "Content-Length", "5", "Set-Cookie", "a=1", "Trailer", "x"];
    trailers.push(
      "Transfer-Encoding",
      "chunked",
      "Host",
      "h",
      "content_type",
      "t",
      "If-Match",
      "e",
    );
    expect(readResponseTrailers(trailers, http1)).toEqual(["X-Sum", "1"]);
    expect(readResponseTrailers([], http1)).toEqual([]);
  });

  it("fails on what is no field", () => {
    for (const trailers of [
      ["X", "a\r\nb"],
      ["a b", "c"],
    ]) {
      expect(() => readResponseTrailers(trailers, http1)).toThrow(
        expect.objectContaining({ code: "handler-failed" }),
      );
    }
  });
});

describe("toHttp2Fields", () => {
  it("has names in lower case, and arrays for several values", () => {
    const fields = ["Set-Cookie", "a", "X-One", "1", "set-cookie", "b", "SET-COOKIE", "c"];
    expect({ ...toHttp2Fields(fields, 200) }).toEqual({
      ":status": 200,
      "set-cookie": ["a", "b", "c"],
      "x-one": "1",
    });
  });

  it("isn't confused by names that objects have", () => {
    const headers = toHttp2Fields(["__proto__", "a", "constructor", "b", "toString", "c"]);
    expect(Object.entries(headers)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["tostring", "c"],
    ]);
  });
});

/** Every standard response field, twice, and some more. */
const standardNames = [
  "Accept-Patch Accept-Ranges Access-Control-Allow-Credentials Access-Control-Max-Age Age Allow",
  "Access-Control-Request-Method Alt-Svc Authorization Cache-Control Content-Disposition",
  "Content-Encoding Content-Language Content-Location Content-MD5 Content-Range Content-Type",
  "Date DNT ETag Expires From Host If-Match If-Modified-Since If-None-Match If-Range",
  "If-Unmodified-Since Last-Modified Link Location Max-Forwards P3P Pragma Proxy-Authorization",
  "Proxy-Authenticate Range Referer Refresh Retry-After Server Set-Cookie Tk Trailer Vary",
  "Strict-Transport-Security Upgrade-Insecure-Requests User-Agent Via WWW-Authenticate",
  "X-Content-Type-Options X-Frame-Options X-Powered-By X-Twice Connection Upgrade TE",
  "Transfer-Encoding Keep-Alive HTTP2-Settings Proxy-Connection",
]
  .join(" ")
  .split(" ");

describe("what Node does with the result", () => {
  const headers = standardNames.flatMap((name) => [name, "1", name, "2"]);

  it("HTTP/2 sends every standard field, however often it comes, without an error", async () => {
    await using server = createHttp2Server();
    const errors: unknown[] = [];
    server.on("stream", (stream) => {
      try {
        const { fields, status } = head(299, headers, http2);
        stream.respond(toHttp2Fields(fields, status), { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers(toHttp2Fields(["X-Sum", "1"])));
        stream.end("body");
      } catch (error) {
        errors.push(error);
        stream.close();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = session.request({ ":path": "/" });
    const answer = await new Promise<Record<string, unknown>>((resolve) => {
      stream.on("response", resolve);
      stream.on("close", () => resolve({}));
    });
    stream.resume();
    await new Promise((resolve) => stream.on("close", resolve));
    session.destroy();
    expect(errors).toEqual([]);
    expect(answer).toMatchObject({ ":status": 299, "x-twice": "1, 2" });
  });

  it("HTTP/1 sends them as they are", async () => {
    await using server = createHttp1Server((_, response) => {
      const { fields, status } = head(299, headers);
      response.writeHead(status, [...fields]);
      response.end("body");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const raw = await new Promise<string[]>((resolve, reject) => {
      request({ port, host: "127.0.0.1", agent: false }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.rawHeaders));
      })
        .on("error", reject)
        .end();
    });
    const values = raw.filter((_, index) => raw[index - 1] === "X-Twice");
    expect(values).toEqual(["1", "2"]);
    expect(raw.filter((name) => name === "Transfer-Encoding")).toHaveLength(1);
  });
});
