import { describe, expect, it } from "vitest";
import { parameterNames } from "../syntax/strip-query-parameters.js";
import { Mounts } from "./mounts.js";
import type { Route } from "./route.js";
import { isPluginId, routeTarget as routeRequest } from "./router.js";

/** Most of these have no host name of their own. */
function routeTarget(
  target: string,
  originalTarget: string,
  rules: Parameters<typeof routeRequest>[2],
  rawHeaders: readonly string[] = ["Host", "h"],
) {
  return routeRequest(target, originalTarget, rules, rawHeaders);
}

function route(target: string, originalTarget = target, prefix = "/plugins") {
  return routeTarget(target, originalTarget, rulesWith(new Mounts(prefix, "")));
}

function rulesWith(mounts: Mounts, secrets: readonly string[] = []) {
  return { mounts, secretParameters: parameterNames(secrets) };
}

function routed(target: string, originalTarget = target, prefix = "/plugins"): Route {
  const result = route(target, originalTarget, prefix);
  if (result?.kind !== "route") {
    throw new Error(`${target}: ${JSON.stringify(result)}`);
  }
  return result;
}

describe("routeTarget", () => {
  it.each([
    ["/plugins/notes/x", "notes", "/x"],
    ["/plugins/notes/", "notes", "/"],
    ["/plugins/notes", "notes", "/"],
    ["/plugins/notes?q", "notes", "/?q"],
    ["/plugins/notes?", "notes", "/?"],
    ["/plugins/notes/?a=/b/c", "notes", "/?a=/b/c"],
    ["/plugins/A.b_c-9/x", "A.b_c-9", "/x"],
    ["/plugins/.../x", "...", "/x"],
    ["/plugins/__proto__/x", "__proto__", "/x"],
    ["/plugins/notes/a%2Fb?q=1", "notes", "/a%2Fb?q=1"],
    ["/plugins/notes/a?b=2&a=1&;x&%zz", "notes", "/a?b=2&a=1&;x&%zz"],
    ["/plugins/notes/caf\xc3\xa9", "notes", "/caf\xc3\xa9"],
    ["/plugins/notes/plugins/search", "notes", "/plugins/search"],
  ])("routes %s to %s as %s", (target, pluginId, url) => {
    expect(routed(target)).toStrictEqual({
      kind: "route",
      pluginId,
      url,
      basePath: `/plugins/${pluginId}`,
      fullPath: false,
      rewritesRedirects: false,
      needsSlash: false,
      requestUri: target,
      authority: undefined,
    });
  });

  it.each([
    // target, originalTarget: a framework took the mount path off.
    ["/plugins/notes/a%2Fb?q=1", "/sub/plugins/notes/a%2Fb?q=1", "notes", "/a%2Fb?q=1"],
    ["/notes/x", "/plugins/notes/x", "notes", "/x"],
    ["/notes?q", "/plugins/notes?q", "notes", "/?q"],
    ["/notes/x", "/sub/plugins/notes/x", "notes", "/x"],
    // A plugin that is called like the prefix: the mount path decides.
    ["/plugins/x", "/plugins/plugins/x", "plugins", "/x"],
  ])("routes %s of %s behind a mount path", (target, originalTarget, pluginId, url) => {
    expect(routed(target, originalTarget)).toStrictEqual({
      kind: "route",
      pluginId,
      url,
      basePath: originalTarget.slice(0, originalTarget.lastIndexOf(pluginId) + pluginId.length),
      fullPath: false,
      rewritesRedirects: false,
      needsSlash: false,
      requestUri: originalTarget,
      authority: undefined,
    });
  });

  it("accepts a target in absolute form and gives its authority", () => {
    expect(routed("http://example.test:81/plugins/notes/x?y")).toStrictEqual({
      kind: "route",
      pluginId: "notes",
      url: "/x?y",
      basePath: "/plugins/notes",
      fullPath: false,
      rewritesRedirects: false,
      needsSlash: false,
      requestUri: "http://example.test:81/plugins/notes/x?y",
      authority: "example.test:81",
    });
    expect(routed("HTTPS://h/plugins/notes").url).toBe("/");
  });

  it("serves ids right behind the root when the prefix is empty", () => {
    expect(routed("/notes/x", "/notes/x", "").pluginId).toBe("notes");
    expect(route("/", "/", "")).toBeUndefined();
  });

  it("removes secret parameters from url and requestUri, and nothing else", () => {
    const secretRules = rulesWith(new Mounts("/plugins", ""), ["access_token"]);
    const target = "/plugins/notes/x?access_token=S&a=1&access%5Ftoken=S&;b;access_token=S&%zz";
    const result = routeTarget(target, `/sub${target}`, secretRules) as Route;
    expect(result.url).toBe("/x?a=1&;b&%zz");
    expect(result.requestUri).toBe("/sub/plugins/notes/x?a=1&;b&%zz");
  });

  it("refuses a target over 64 KiB with 414", () => {
    expect(route(`/plugins/notes/${"a".repeat(65_536)}`)).toMatchObject({ status: 414 });
  });
});

describe("base paths (M1, M2)", () => {
  function mounts({ path = "stripped", prefix = "/plugins", publicPath = "" } = {}): Mounts {
    const all = new Mounts(prefix, publicPath);
    const basePath = `${publicPath}${prefix}/notes`;
    all.add({ id: "notes", basePath, path: path as "stripped" | "full", hosts: [] });
    return all;
  }

  it.each([
    // target, originalTarget, url, basePath
    ["/plugins/notes/x", "/plugins/notes/x", "/x", "/app/plugins/notes"],
    ["/plugins/notes", "/sub/plugins/notes", "/", "/app/sub/plugins/notes"],
    ["/plugins/notes?a", "/sub/plugins/notes?a", "/?a", "/app/sub/plugins/notes"],
    ["/notes/x?/notes/x", "/plugins/notes/x?/notes/x", "/x?/notes/x", "/app/plugins/notes"],
    ["http://h/plugins/notes/x", "http://h/sub/plugins/notes/x", "/x", "/app/sub/plugins/notes"],
    // The application has rewritten the url.
    ["/plugins/notes/x", "/elsewhere", "/x", "/app/plugins/notes"],
    ["/plugins/notes/x", "/go?to=/plugins/notes/x", "/x", "/app/plugins/notes"],
  ])("of %s, which was %s: %s at %s", (target, originalTarget, url, basePath) => {
    const stripped = routeTarget(target, originalTarget, rulesWith(mounts({ publicPath: "/app" })));
    expect(stripped).toMatchObject({ url, basePath, fullPath: false });
  });

  it.each([
    ["/plugins/notes/a%2Fb?q", "/plugins/notes/a%2Fb?q"],
    ["/plugins/notes", "/plugins/notes"],
    ["/plugins/notes?", "/plugins/notes?"],
    ["/plugins/notes/../x//y", "/plugins/notes/../x//y"],
    ["/plugins/notes/x?access_token=S&a", "/plugins/notes/x?a"],
    ["http://h/plugins/notes/", "/plugins/notes/"],
  ])("gives a plugin with path: full %s as %s", (target, url) => {
    const rules = rulesWith(mounts({ path: "full" }), ["access_token"]);
    const expected = { url, basePath: "/plugins/notes", fullPath: true };
    expect(routeTarget(target, target, rules)).toMatchObject(expected);
    const outside = rulesWith(mounts({ path: "full", publicPath: "/app" }), ["access_token"]);
    const mounted = target.replace("/plugins", "/sub/plugins");
    expect(routeTarget(target, mounted, outside)).toMatchObject({
      url: `/app/sub${url}`,
      basePath: "/app/sub/plugins/notes",
    });
  });

  it("has no base path of a plugin that is not there any more", () => {
    const all = mounts({ path: "full" });
    all.remove("notes");
    expect(routeTarget("/plugins/notes/x", "/plugins/notes/x", rulesWith(all))).toMatchObject({
      url: "/x",
      basePath: "/plugins/notes",
    });
  });

  it("refuses a mount path that the contract has no room for, and one that names a host", () => {
    const mounted = (mountPath: string) =>
      routeTarget("/plugins/notes/x", `${mountPath}/plugins/notes/x`, rulesWith(mounts()));
    expect(mounted(`/${"a".repeat(1_009)}`)).toMatchObject({ kind: "route" });
    expect(mounted(`/${"a".repeat(1_010)}`)).toMatchObject({ status: 414 });
    expect(mounted("//evil")).toMatchObject({ status: 400 });
    expect(mounted("/\\evil")).toMatchObject({ status: 400 });
  });
});

describe("host names (M3)", () => {
  const mounts = new Mounts("/plugins", "/app");
  const notes = { id: "notes", basePath: "/app/plugins/notes" };
  mounts.add({ ...notes, hosts: ["notes.localhost", "notes.test"] });
  mounts.add({ id: "site", basePath: "/app/plugins/site", hosts: ["site.test"], path: "full" });
  const rules = rulesWith(mounts, ["access_token"]);

  function byHost(target: string, host: string | readonly string[], originalTarget = target) {
    const raw = typeof host === "string" ? ["Host", host] : host;
    return routeTarget(target, originalTarget, rules, raw);
  }

  it.each([
    ["/x?q", "notes.localhost:8080", "/x?q"],
    ["/", "NOTES.localhost", "/"],
    ["/plugins/site/x", "notes.test.", "/plugins/site/x"],
    ["/plugins/notes/x", "notes.test.:443", "/plugins/notes/x"],
    ["//x/../y", "notes.test:", "//x/../y"],
    ["/?access_token=S&a", "notes.test", "/?a"],
    ["http://notes.test", "other.test", "/"],
    ["http://Notes.Test.:80?q", "other.test", "/?q"],
    ["https://notes.test/x", "site.test", "/x"],
  ])("takes %s at %s as %s at the root", (target, host, url) => {
    const expected = { pluginId: "notes", url, basePath: "", fullPath: false };
    expect(byHost(target, host)).toMatchObject(expected);
  });

  it("gives the whole path, with what a framework has removed", () => {
    expect(byHost("/x", "site.test", "/sub/x")).toMatchObject({
      pluginId: "site",
      url: "/sub/x",
      basePath: "",
      fullPath: true,
      requestUri: "/sub/x",
    });
  });

  it.each([
    ["/x", "other.test"],
    ["/x", "xnotes.test"],
    ["/x", "notes.test.evil"],
    ["/x", "notes.test.."],
    ["/x", "notes%2etest"],
    ["/x", "user@notes.test"],
    ["/x", "notes.test:80:80"],
    ["/x", "notes.test, other.test"],
    ["/x", ""],
    ["*", "notes.test"],
    ["notes.test:443", "notes.test"],
    ["http://other.test/x", "notes.test"],
    ["http://notes.test@other.test/x", "notes.test"],
    ["http://other.test", "notes.test"],
  ])("leaves %s at %j to the next middleware", (target, host) => {
    expect(byHost(target, host)).toBeUndefined();
  });

  it("leaves the prefix as it is for every other host", () => {
    const expected = { pluginId: "notes", url: "/x", basePath: "/app/plugins/notes" };
    expect(byHost("/plugins/notes/x", "other.test")).toMatchObject(expected);
    expect(byHost("/plugins/notes/x", [])).toMatchObject(expected);
    expect(byHost("http://other.test/plugins/notes/x", "site.test")).toMatchObject(expected);
  });

  it.each([
    [["Host", "notes.test", "Host", "other.test"]],
    [["Host", "other.test", "hOST", "notes.test"]],
    [["Host", "notes.test", "Host", "site.test"]],
    [[":authority", "notes.test", "host", "other.test"]],
    [[":authority", "other.test", "host", "notes.test"]],
  ])("refuses a request for two hosts: %j", (raw) => {
    expect(byHost("/x", raw)).toMatchObject({ kind: "refusal", status: 400 });
  });

  it("reads :authority, and Host beside it where it is the same", () => {
    expect(byHost("/x", [":authority", "notes.test"])).toMatchObject({ pluginId: "notes" });
    const both = [":authority", "notes.test:1", "host", "notes.test:1"];
    expect(byHost("/x", both)).toMatchObject({ pluginId: "notes" });
  });

  it("refuses at a host name what no request target may hold", () => {
    expect(byHost("/x y", "notes.test")).toMatchObject({ status: 400 });
    expect(byHost("/\xff", "notes.test")).toMatchObject({ status: 400 });
    expect(byHost(`/${"a".repeat(65_536)}`, "notes.test")).toMatchObject({ status: 414 });
    expect(byHost("http://notes.test#x", "other.test")).toMatchObject({ status: 400 });
  });

  it("forgets the names of a plugin that is gone", () => {
    const some = new Mounts("/plugins", "");
    some.add({ id: "a", basePath: "/plugins/a", hosts: ["a.test"] });
    some.remove("a");
    expect(some.hasHosts).toBe(false);
    expect(routeTarget("/x", "/x", rulesWith(some), ["Host", "a.test"])).toBeUndefined();
  });

  it("adds nothing of a plugin whose name another one has", () => {
    const taken = { id: "new", basePath: "/plugins/new", hosts: ["new.test", "site.test"] };
    expect(() => mounts.add(taken)).toThrow(
      'plugins.new.hosts: got "site.test", allowed is a host name that no other plugin has; "site" has it',
    );
    expect(byHost("/x", "new.test")).toBeUndefined();
  });
});

/**
 * What each attack comes to: nobody's ("none"), a refusal, or the first plugin with the path byte
 * for byte.
 */
const attacks: readonly (readonly [string, "none" | 400 | 404 | { readonly url: string }])[] = [
  // Dot segments in place of the id or in front of it.
  ["/plugins/..", 404],
  ["/plugins/.", 404],
  ["/plugins/../x", 404],
  ["/plugins/./x", 404],
  ["/plugins/../plugins/notes/x", 404],
  ["/plugins/./notes/x", 404],
  ["/plugins/..;/notes/x", 404],
  ["/plugins/.%2e/x", 404],
  ["/plugins/%2e/x", 404],
  ["/plugins/%2e%2e/x", 404],
  ["/plugins/%2E%2E/notes", 404],
  ["/plugins/%252e%252e/notes", 404],
  ["/plugins/..%2fnotes", 404],
  ["/plugins/..%5cnotes", 404],
  ["/plugins/..\\notes", 404],
  ["/plugins/..?x", 404],
  ["/plugins/.?x", 404],
  ["/../plugins/notes/x", "none"],
  ["/./plugins/notes/x", "none"],
  ["/x/../plugins/notes/x", "none"],
  ["/%2e%2e/plugins/notes/x", "none"],
  ["/plugins/..%c0%af", 404],
  ["/plugins/%c0%ae%c0%ae/x", 404],
  // Another way to write the prefix.
  ["//plugins/notes/x", "none"],
  ["///plugins/notes/x", "none"],
  ["//evil/plugins/notes/x", "none"],
  ["//evil.test/plugins/notes", "none"],
  ["/\\plugins/notes/x", "none"],
  ["\\plugins\\notes", "none"],
  ["/PLUGINS/notes/x", "none"],
  ["/Plugins/notes/x", "none"],
  ["/pluginsnotes/x", "none"],
  ["/plugins;a=b/notes/x", "none"],
  ["/plugins%2fnotes/x", "none"],
  ["/plugins%2Fnotes", "none"],
  ["/%70lugins/notes/x", "none"],
  ["/plugin%73/notes/x", "none"],
  ["/plugins%00/notes/x", "none"],
  ["/plugins\\notes/x", "none"],
  ["/plugins?/notes/x", "none"],
  ["/plugins", "none"],
  ["/plugins/", "none"],
  ["/plugins/?x", "none"],
  ["/x?/plugins/notes/x", "none"],
  ["/x#/plugins/notes/x", "none"],
  ["plugins/notes/x", "none"],
  ["", "none"],
  ["*", "none"],
  ["notes:443", "none"],
  ["/", "none"],
  // An empty id.
  ["/plugins//notes/x", 404],
  ["/plugins///", 404],
  ["/plugins//", 404],
  // Characters that no id has.
  ["/plugins/a%20b/x", 404],
  ["/plugins/notes%2fx", 404],
  ["/plugins/notes%2f..%2fsearch/x", 404],
  ["/plugins/notes%00/x", 404],
  ["/plugins/notes\x00/x", 404],
  ["/plugins/notes%5c..%5csearch/x", 404],
  ["/plugins/notes\\..\\search/x", 404],
  ["/plugins/notes;v=1/x", 404],
  ["/plugins/notes:80/x", 404],
  ["/plugins/notes@search/x", 404],
  ["/plugins/notes*/x", 404],
  ["/plugins/n%6ftes/x", 404],
  ["/plugins/notes#/x", 404],
  ["/plugins/notes&search/x", 404],
  ["/plugins/notes,search/x", 404],
  ["/plugins/n\xc3\xb6tes/x", 404],
  ["/plugins/\xef\xbd\x8eotes/x", 404],
  ["/plugins/ notes/x", 404],
  ["/plugins/notes\t/x", 404],
  ["/plugins/notes%0d%0aX:y/x", 404],
  ["/plugins/~notes/x", 404],
  ["/plugins/$/x", 404],
  ["/plugins/{notes}/x", 404],
  [`/plugins/${"n".repeat(129)}/x`, 404],
  // Behind the id everything is the plugin's: it stays inside, byte for byte.
  ["/plugins/notes/..", { url: "/.." }],
  ["/plugins/notes/../search/x", { url: "/../search/x" }],
  ["/plugins/notes/../../etc/passwd", { url: "/../../etc/passwd" }],
  ["/plugins/notes/%2e%2e/search/x", { url: "/%2e%2e/search/x" }],
  ["/plugins/notes/%2e%2e%2fsearch", { url: "/%2e%2e%2fsearch" }],
  ["/plugins/notes/..%2f..%2fsearch", { url: "/..%2f..%2fsearch" }],
  ["/plugins/notes/..;/search", { url: "/..;/search" }],
  ["/plugins/notes//search/x", { url: "//search/x" }],
  ["/plugins/notes//evil.test/x", { url: "//evil.test/x" }],
  ["/plugins/notes/\\..\\search", { url: "/\\..\\search" }],
  ["/plugins/notes/%5c..%5csearch", { url: "/%5c..%5csearch" }],
  ["/plugins/notes/%00", { url: "/%00" }],
  ["/plugins/notes/%0d%0aX:y", { url: "/%0d%0aX:y" }],
  ["/plugins/notes/%c0%ae%c0%ae/x", { url: "/%c0%ae%c0%ae/x" }],
  ["/plugins/notes/%252e%252e/x", { url: "/%252e%252e/x" }],
  ["/plugins/notes/%", { url: "/%" }],
  ["/plugins/notes?/../search", { url: "/?/../search" }],
  ["/plugins/notes/http://evil.test/", { url: "/http://evil.test/" }],
  // What no target may hold.
  ["/plugins/notes/\x00", 400],
  ["/plugins/notes/a b", 400],
  ["/plugins/notes/a\tb", 400],
  ["/plugins/notes/\r\nX: y", 400],
  ["/plugins/notes/\x7f", 400],
  ["/plugins/notes/x#y", 400],
  ["/plugins/notes/x?a#access_token=S", 400],
  ["/plugins/notes/\xff", 400],
  ["/plugins/notes/\xc0\xae\xc0\xae/x", 400],
  ["/plugins/notes/\xe0\x80\xae", 400],
  ["/plugins/notes/\xed\xa0\x80", 400],
  ["/plugins/notes/\xf4\x90\x80\x80", 400],
  ["/plugins/notes/\xc3", 400],
  ["/plugins/notes/?q=\xe9", 400],
  ["/plugins/notes/\u0101", 400],
  // Absolute form.
  ["http://h//plugins/notes/x", "none"],
  ["http://h/x/../plugins/notes/x", "none"],
  ["http://h/plugins/../x", 404],
  ["http://h/plugins/%2e%2e/x", 404],
  ["http:///plugins/notes/x", 400],
  ["http://user@h/plugins/notes/x", 400],
  ["http://h\\@evil/plugins/notes/x", 400],
  ["http://h?/plugins/notes/x", "none"],
  ["http://h#/plugins/notes/x", "none"],
  ["http:/plugins/notes/x", "none"],
  ["file:///plugins/notes/x", "none"],
  ["ftp://h/plugins/notes/x", "none"],
  ["javascript://h/plugins/notes/x", "none"],
  ["http://h", "none"],
];

describe("path attacks (C10)", () => {
  it("has at least 80 of them, all different", () => {
    expect(new Set(attacks.map(([target]) => target)).size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThanOrEqual(80);
  });

  it.each(attacks)("%j neither crosses nor escapes", (target, expected) => {
    expect(outcome(route(target))).toEqual(expected);
  });

  it.each(attacks)("%j comes to the same behind a mount path", (target, expected) => {
    expect(outcome(route(target, `/sub${target}`))).toEqual(expected);
  });
});

/** A result as `attacks` writes it; a plugin that is not "notes" is none that they expect. */
function outcome(result: ReturnType<typeof routeTarget>): unknown {
  if (result === undefined) {
    return "none";
  }
  if (result.kind === "refusal") {
    return result.status;
  }
  return result.pluginId === "notes" ? { url: result.url } : result.pluginId;
}

describe("isPluginId", () => {
  it.each(["a", "...", ".a", "A-b_c.9", "constructor", "x".repeat(128)])("accepts %s", (id) => {
    expect(isPluginId(id)).toBe(true);
  });
  it.each(["", ".", "..", "a/b", "a b", "ä", "a%20", "x".repeat(129)])("refuses %j", (id) => {
    expect(isPluginId(id)).toBe(false);
  });
});
