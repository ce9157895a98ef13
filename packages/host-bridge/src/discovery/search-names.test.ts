import { describe, expect, it } from "vitest";
import { searchNames } from "./search-names.js";

const kubernetes = `
search plugins.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5 edns0
`;

describe("searchNames", () => {
  it.each([
    [
      "search",
      kubernetes,
      [
        "search.plugins.svc.cluster.local",
        "search.svc.cluster.local",
        "search.cluster.local",
        "search",
      ],
    ],
    [
      "_grpc._tcp.search.plugins.svc",
      kubernetes,
      [
        "_grpc._tcp.search.plugins.svc.plugins.svc.cluster.local",
        "_grpc._tcp.search.plugins.svc.svc.cluster.local",
        "_grpc._tcp.search.plugins.svc.cluster.local",
        "_grpc._tcp.search.plugins.svc",
      ],
    ],
    ["a.b.c.d.e.f", "options ndots:5\nsearch x.", ["a.b.c.d.e.f", "a.b.c.d.e.f.x"]],
    ["search.example.", kubernetes, ["search.example."]],
    [
      "search.example",
      "search a.test\tb.test",
      ["search.example", "search.example.a.test", "search.example.b.test"],
    ],
    ["search", "search a.test\ndomain b.test", ["search.b.test", "search"]],
    ["search", "# search a.test\nsearch .", ["search"]],
    ["search", "", ["search"]],
  ])("asks for %s, by %j, as %j", (name, resolvConf, names) => {
    expect(searchNames(name, resolvConf)).toEqual(names);
  });
});
