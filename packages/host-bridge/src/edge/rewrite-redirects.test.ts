import { describe, expect, it } from "vitest";
import { type RedirectRules, rewriteCookiePath, rewriteLocation } from "./rewrite-redirects.js";

const rules: RedirectRules = {
  basePath: "/app/notes",
  scheme: "http",
  hosts: ["Example.org:8080", "public.test"],
};

describe("rewriteLocation (M4)", () => {
  it.each([
    ["/login", "/app/notes/login"],
    ["/", "/app/notes/"],
    ["/a?next=/b#c", "/app/notes/a?next=/b#c"],
    ["/app/notesX", "/app/notes/app/notesX"],
    ["/app", "/app/notes/app"],
    ["http://example.org:8080/x", "http://example.org:8080/app/notes/x"],
    ["HTTP://EXAMPLE.ORG:8080/x", "HTTP://EXAMPLE.ORG:8080/app/notes/x"],
    ["http://example.org:8080", "http://example.org:8080/app/notes/"],
    ["http://example.org:8080?q", "http://example.org:8080/app/notes/?q"],
    // A backslash ends a host, as browsers read it.
    ["http://example.org:8080\\@evil/x", "http://example.org:8080/app/notes/\\@evil/x"],
    ["http://public.test/x", "http://public.test/app/notes/x"],
    ["http://example.org:8080//x", "http://example.org:8080/app/notes//x"],
  ])("makes %s %s", (location, expected) => {
    expect(rewriteLocation(location, rules)).toBe(expected);
  });

  it.each([
    "/app/notes",
    "/app/notes/",
    "/app/notes/x",
    "/app/notes?x",
    "/app/notes#x",
    "http://example.org:8080/app/notes/x",
    "//other/x",
    "///other/x",
    "/\\other/x",
    "x",
    "../x",
    "?x",
    "#x",
    "",
    "https://example.org:8080/x",
    "http://example.org/x",
    "http://example.org:8081/x",
    "http://example.org.evil:8080/x",
    "http://user@example.org:8080/x",
    "mailto:a@example.org",
    "http:/x",
    "http:///x",
  ])("leaves %j alone", (location) => {
    expect(rewriteLocation(location, rules)).toBe(location);
  });

  it("knows the port that a scheme has by default", () => {
    const plain = { ...rules, hosts: ["h"] };
    expect(rewriteLocation("http://h:80/x", plain)).toBe("http://h:80/app/notes/x");
    const secure = { ...rules, scheme: "https", hosts: ["h:443"] } as const;
    expect(rewriteLocation("https://h/x", secure)).toBe("https://h/app/notes/x");
    expect(rewriteLocation("https://h:80/x", secure)).toBe("https://h:80/x");
  });
});

describe("rewriteCookiePath (M4)", () => {
  it.each([
    ["a=1; Path=/", "a=1; Path=/app/notes"],
    ["a=1; Path=/x; HttpOnly", "a=1; Path=/app/notes/x; HttpOnly"],
    ["a=1;path=/x ;Secure", "a=1;path=/app/notes/x ;Secure"],
    ["a=1; PATH = /; Path=/y", "a=1; PATH = /app/notes; Path=/app/notes/y"],
    ["a=1; Path=/app/notesX", "a=1; Path=/app/notes/app/notesX"],
    ["Path=/; Path=/", "Path=/; Path=/app/notes"],
    ["__Secure-a=1; Path=/; Secure", "__Secure-a=1; Path=/app/notes; Secure"],
  ])("makes %s %s", (cookie, expected) => {
    expect(rewriteCookiePath(cookie, rules)).toBe(expected);
  });

  it.each([
    "a=1",
    "a=1; Path=/app/notes",
    "a=1; Path=/app/notes/x",
    "a=1; Path",
    "a=1; Path=",
    "a=1; Path=x",
    'a=1; Path="/"',
    "a=1; Domain=h; XPath=/",
    "path=/",
    "__Host-a=1; Path=/; Secure",
    "__host-a=1; Path=/; Secure",
  ])("leaves %s alone", (cookie) => {
    expect(rewriteCookiePath(cookie, rules)).toBe(cookie);
  });
});
