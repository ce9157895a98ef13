import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { TestAuthority } from "@servehttp/testkit";
import { hasSubjectAltName, isSubjectAltName, namesOf, urisIn } from "./subject-alt-names.js";

const authority = new TestAuthority();
const certificateFor = (names: string) => new X509Certificate(authority.issue("x", names).cert);
const search = certificateFor("URI:spiffe://example.org/ns/plugins/sa/search,DNS:search.plugins");

test.each([
  "host.example.org",
  "search",
  "spiffe://example.org",
  "spiffe://example.org/ns/plugins/sa/search",
  "spiffe://example.org/ns/plugins/*",
  "spiffe://example.org/*",
  "spiffe://under_score.example-1/..a/b..",
])("takes %s", (name) => {
  expect(isSubjectAltName(name)).toBe(true);
});

test.each([
  "",
  "10.0.0.7",
  "a b",
  "*.example.org",
  "host:443",
  "https://example.org",
  "spiffe:",
  "spiffe://",
  "spiffe:///path",
  "spiffe://Example.org/a",
  "spiffe://example.org/",
  "spiffe://example.org/a/",
  "spiffe://example.org//a",
  "spiffe://example.org/a/../b",
  "spiffe://example.org/./b",
  "spiffe://example.org/a*",
  "spiffe://*/a",
  "spiffe://example.org:443/a",
  "spiffe://user@example.org/a",
  "spiffe://example.org/%61",
  `spiffe://example.org/${"a".repeat(2_048)}`,
])("does not take %j", (name) => {
  expect(isSubjectAltName(name)).toBe(false);
});

test.each([
  [true, "spiffe://example.org/ns/plugins/sa/search"],
  [true, "spiffe://example.org"],
  [true, "spiffe://example.org/*"],
  [true, "spiffe://example.org/ns/plugins/*"],
  [true, "search.plugins"],
  [true, "SEARCH.plugins"],
  [false, "spiffe://example.org/ns/plugins/sa/search2"],
  [false, "spiffe://example.org/ns/plugins/sa"],
  [false, "spiffe://example.org/ns/plugins/sa/search/*"],
  [false, "spiffe://example.or"],
  [false, "spiffe://example.org.uk"],
  [false, "x"],
  [false, "plugins"],
])("%s: a certificate has the name %s", (expected, name) => {
  expect(hasSubjectAltName(search, [name])).toBe(expected);
  expect(hasSubjectAltName(search, ["nobody", name])).toBe(expected);
});

test("a wildcard of the certificate stands for one label", () => {
  const any = certificateFor("DNS:*.plugins.example.org");
  expect(hasSubjectAltName(any, ["search.plugins.example.org"])).toBe(true);
  expect(hasSubjectAltName(any, ["a.search.plugins.example.org"])).toBe(false);
  expect(hasSubjectAltName(any, ["plugins.example.org"])).toBe(false);
});

test("what is no X.509-SVID has no SPIFFE ID", () => {
  for (const names of [
    "URI:spiffe://example.org/a,URI:spiffe://example.org/b",
    "URI:spiffe://example.org/a,URI:https://example.org/",
    "URI:spiffe://example.org",
    "URI:spiffe://example.org/a/",
    "URI:spiffe://EXAMPLE.org/a",
    "URI:https://example.org/a",
    "DNS:spiffe.example.org",
  ]) {
    const names_ = ["spiffe://example.org", "spiffe://example.org/a", "spiffe://example.org/*"];
    expect([names, hasSubjectAltName(certificateFor(names), names_)]).toEqual([names, false]);
  }
  const signing = new X509Certificate(
    new TestAuthority("x").issue("a", "URI:spiffe://example.org/a\nbasicConstraints=CA:TRUE").cert,
  );
  expect(hasSubjectAltName(signing, ["spiffe://example.org/a"])).toBe(false);
});

test("a name that looks like several is one", () => {
  // Node writes it as a string of JSON, because it has a comma in it.
  const text = String.raw`DNS:a, URI:"https://a/, URI:spiffe://example.org/b\"", URI:spiffe://example.org/a`;
  expect(urisIn(text)).toEqual([
    'https://a/, URI:spiffe://example.org/b"',
    "spiffe://example.org/a",
  ]);
  expect(urisIn('URI:spiffe://example.org/a, URI:"')).toEqual([]);
  expect(urisIn("nonsense")).toEqual([]);
  expect(urisIn("")).toEqual([]);
});

test("says which names a certificate has", () => {
  expect(namesOf(search)).toBe("URI:spiffe://example.org/ns/plugins/sa/search, DNS:search.plugins");
  expect(namesOf(new X509Certificate(authority.ca))).toBe("no name but its subject (CN=ca)");
});
