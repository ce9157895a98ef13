import { ServeHTTPError } from "@servehttp/contract";
import { pino } from "pino";
import { balanceDefaults as defaults } from "../test-rig/simulated-fleet.js";
import { describe, expect, it } from "vitest";
import { readHostOptions, readPluginOptions } from "./read-options.js";

/**
 * The line that the options are refused with; fails when they are accepted, or refused in another
 * way.
 */
function message(options: unknown): string {
  try {
    readHostOptions(options);
  } catch (error) {
    if (error instanceof ServeHTTPError && error.code === "invalid-argument") {
      return error.message;
    }
    throw error;
  }
  throw new Error("accepted");
}

function handler(): void {}

const notes = { command: ["node", "notes.js"] };

/** What the documentation of each says. */
const limits = { maxInFlight: 16_384, maxTunnels: 4_096, maxWaiting: 1_024 };
const timeouts = {
  headMs: 60_000,
  idleMs: 0,
  totalMs: 0,
  startMs: 10_000,
  waitMs: 5_000,
  drainMs: 10_000,
};

const { hashBalanceFactor: _, ...balanceDefaults } = defaults;

describe("readHostOptions", () => {
  it("fills in every default", () => {
    const settings = readHostOptions({ plugins: { notes }, logger: false });
    expect(settings).toMatchObject({
      prefix: "/plugins",
      publicPath: "",
      enabled: true,
      edge: {},
      chunkBytes: 65_536,
      limits,
      timeouts,
    });
    expect(settings.plugins.get("notes")).toEqual({
      kind: "command",
      id: "notes",
      basePath: "/plugins/notes",
      hosts: [],
      command: ["node", "notes.js"],
      env: {},
      instances: 1,
      connect: "unix",
      mayCall: [],
      carrier: "auto",
      path: "stripped",
      rewriteRedirects: false,
      redirectToSlash: false,
      balance: balanceDefaults,
      limits,
      timeouts,
    });
  });

  it("balances as it is told to", () => {
    const balance = {
      affinity: { cookie: "route", cookieTtlSeconds: 3_600 },
      slowStart: { windowMs: 60_000 },
      outliers: false,
    } as const;
    const { plugins } = readHostOptions({ plugins: { n: { url: "http://h:1", balance } } });
    expect(plugins.get("n")).toMatchObject({
      balance: {
        affinity: {
          cookie: "route",
          cookieSetBy: "host",
          cookieTtlSeconds: 3_600,
          cookieSameSite: "lax",
          hashBalanceFactor: 150,
        },
        slowStart: { windowMs: 60_000, aggression: 1, minWeightPercent: 10 },
        outliers: false,
        healthyPanicThresholdPercent: 50,
      },
    });
  });

  it("lets a plugin override what the host sets, and the host the defaults", () => {
    const settings = readHostOptions({
      timeouts: { headMs: 5, idleMs: undefined },
      limits: { maxInFlight: 7 },
      plugins: { a: { ...notes, timeouts: { headMs: 6 }, limits: { maxTunnels: 9 } }, b: notes },
    });
    expect(settings.timeouts).toEqual({ ...timeouts, headMs: 5 });
    expect(settings.plugins.get("a")).toMatchObject({
      timeouts: { ...timeouts, headMs: 6 },
      limits: { ...limits, maxInFlight: 7, maxTunnels: 9 },
    });
    expect(settings.plugins.get("b")).toMatchObject({ timeouts: { ...timeouts, headMs: 5 } });
  });

  it("accepts every option", () => {
    async function* discover() {
      yield [];
    }
    const settings = readHostOptions({
      plugins: {
        notes: {
          ...notes,
          cwd: "/tmp",
          env: { A: "b" },
          instances: 2,
          connect: "unix",
          mayCall: ["search", "notes"],
          carrier: "mux",
        },
        search: { url: ["https://10.0.0.7:50051", "https://h/"], tls: { ca: "x" }, token: "t" },
        local: { url: "unix:/run/notes.sock", carrier: "stream", path: "full" },
        fleet: { url: ["dns:///search.svc:50051", "srv:///_grpc._tcp.search"], tls: { ca: "x" } },
        asked: { url: ["dns://10.0.0.2/h:1", "dns://[::1]:5353/h.:1", "SRV:///_a._b.c"] },
        told: { discover, tls: {}, token: "t" },
        legacy: { handler, hosts: ["Legacy.Example.org"] },
      },
      prefix: "/a/b-c/",
      publicPath: "/public/",
      enabled: false,
      identity: () => ({}),
      context: () => ({}),
      edge: {
        strip: { cookies: ["s"], headers: ["X-Key"], queryParameters: ["access_token"] },
        identityHeaders: ["x-user-id"],
        forwarded: "append",
        trustedProxies: ["10.0.0.0/8", "unix"],
        forwardedBy: "forwarded",
        informational: false,
        protectedCookies: ["s"],
        upgrades: ["websocket", "my/1"],
      },
      logger: pino({ enabled: false }),
      chunkBytes: 1,
    });
    expect(settings.prefix).toBe("/a/b-c");
    expect(settings.plugins.get("local")).toMatchObject({
      kind: "url",
      url: ["unix:/run/notes.sock"],
      path: "full",
      basePath: "/public/a/b-c/local",
    });
    expect(settings.plugins.get("legacy")).toEqual({
      kind: "handler",
      id: "legacy",
      basePath: "/public/a/b-c/legacy",
      hosts: ["legacy.example.org"],
      handler,
    });
    expect(readHostOptions({ prefix: "/" }).prefix).toBe("");
  });

  it.each([
    [null, "options: got null, allowed is an object with some of plugins,"],
    [7, "options: got 7, allowed is an object with some of plugins,"],
    [
      { plugin: {} },
      "plugin: no such option (did you mean plugins?); allowed are plugins, prefix, publicPath, enabled,",
    ],
    [{ plugins: [] }, "plugins: got an empty array, allowed is an object of plugins by their ids"],
    [{ plugins: { "a b": notes } }, 'plugins: got "a b", allowed is an id of 1 to 128 letters'],
    [{ plugins: { "..": notes } }, 'plugins: got "..", allowed is an id'],
    [
      { plugins: { n: {} } },
      "plugins.n: got an object, allowed is an object with exactly one of command, url, discover, handler",
    ],
    [{ plugins: { n: null } }, "plugins.n: got null, allowed is an object with exactly one of"],
    [
      { plugins: { n: "node x.js" } },
      'plugins.n: got "node x.js", allowed is an object with exactly one',
    ],
    [
      { plugins: { n: { ...notes, url: "http://h" } } },
      'plugins.n: got "command and url", allowed is',
    ],
    [
      { plugins: { "a.b": { command: "node" } } },
      'plugins["a.b"].command: got "node", allowed is an array of the program and its arguments',
    ],
    [
      { plugins: { n: { command: [] } } },
      "plugins.n.command: got an empty array, allowed is an array",
    ],
    [
      { plugins: { n: { command: ["node", 5] } } },
      "plugins.n.command[1]: got 5, allowed is a string",
    ],
    [
      { plugins: { n: { ...notes, comand: 1 } } },
      "plugins.n.comand: no such option (did you mean command?); allowed are command, cwd,",
    ],
    [
      { plugins: { n: { ...notes, mayCall: "search" } } },
      'plugins.n.mayCall: got "search", allowed is an array of plugins\' ids',
    ],
    [
      { plugins: { n: { ...notes, mayCall: ["a/b"] } } },
      'plugins.n.mayCall[0]: got "a/b", allowed is a plugin\'s id',
    ],
    [
      { plugins: { n: { url: "unix:/s", mayCall: ["search"] } } },
      "plugins.n.mayCall: no such option; allowed are url,",
    ],
    [
      { plugins: { n: { ...notes, instances: 0 } } },
      "plugins.n.instances: got 0, allowed is a whole number from 1 to 64",
    ],
    [
      { plugins: { n: { ...notes, balance: { affinity: {} } } } },
      "plugins.n.balance.affinity: got an object, allowed is an object with exactly one of cookie and header",
    ],
    [
      { plugins: { n: { ...notes, balance: { affinity: { cookie: "a", header: "b" } } } } },
      "plugins.n.balance.affinity: got an object, allowed is an object with exactly one of cookie and header",
    ],
    [
      { plugins: { n: { ...notes, balance: { affinity: { cookie: "a b" } } } } },
      'plugins.n.balance.affinity.cookie: got "a b", allowed is a cookie\'s name',
    ],
    [
      {
        plugins: { n: { ...notes, balance: { affinity: { header: "a", hashBalanceFactor: 99 } } } },
      },
      "plugins.n.balance.affinity.hashBalanceFactor: got 99, allowed is 0, or a whole number from 100 to",
    ],
    [
      { plugins: { n: { ...notes, balance: { outliers: true } } } },
      "plugins.n.balance.outliers: got true, allowed is false, or an object of options",
    ],
    [
      { plugins: { n: { ...notes, balance: { outliers: { maxEjectionPercent: 101 } } } } },
      "plugins.n.balance.outliers.maxEjectionPercent: got 101, allowed is a whole number from 0 to 100",
    ],
    [
      { plugins: { n: { ...notes, balance: { slowStart: { windowSeconds: 5 } } } } },
      "plugins.n.balance.slowStart.windowSeconds: no such option; allowed are windowMs,",
    ],
    [
      { plugins: { n: { handler: () => undefined, balance: {} } } },
      "plugins.n.balance: no such option; allowed are handler, hosts",
    ],
    [
      { plugins: { n: { ...notes, connect: "fd" } } },
      'plugins.n.connect: got "fd", allowed is "unix"; "fd" is not supported yet',
    ],
    [
      { plugins: { n: { ...notes, carrier: "udp" } } },
      'plugins.n.carrier: got "udp", allowed is one of "auto", "mux", "stream"',
    ],
    [
      { plugins: { n: { ...notes, env: { A: 5 } } } },
      "plugins.n.env.A: got a number, allowed is a string without NUL",
    ],
    [
      { plugins: { n: { ...notes, timeouts: { headMs: -1 } } } },
      "plugins.n.timeouts.headMs: got -1, allowed is a whole number from 0 to 2147483647",
    ],
    [
      { plugins: { n: { url: "ftp://h" } } },
      'plugins.n.url: got "ftp://h", allowed is "http://host:port"',
    ],
    [{ plugins: { n: { url: "http://h/x" } } }, 'plugins.n.url: got "http://h/x", allowed is'],
    [{ plugins: { n: { url: "http://u:p@h" } } }, 'plugins.n.url: got "http://u:p@h", allowed is'],
    [{ plugins: { n: { url: "http://h?" } } }, 'plugins.n.url: got "http://h?", allowed is'],
    [{ plugins: { n: { url: "unix:x" } } }, 'plugins.n.url: got "unix:x", allowed is'],
    ...[
      "dns:///h",
      "dns:///h:0",
      "dns:///10.0.0.7:50051",
      "dns://h/h:1",
      "dns:h:1",
      "dns:///h:1/x",
      "srv:///h:1",
      "srv:///_grpc._tcp",
      "srv://10.0.0.2:65536/_grpc._tcp.h",
    ].map((url): [unknown, string] => [
      { plugins: { n: { url } } },
      `plugins.n.url: got ${JSON.stringify(url)}, allowed is "http://host:port"`,
    ]),
    [
      { plugins: { n: { url: ["dns:///h:1", "http://h:1"], tls: {} } } },
      "plugins.n.tls: got an object, allowed is nothing, unless every url is https, dns or srv",
    ],
    [
      { plugins: { n: { discover: "dns:///h:1" } } },
      'plugins.n.discover: got "dns:///h:1", allowed is a function',
    ],
    [
      { plugins: { n: { discover() {}, url: "http://h:1" } } },
      'plugins.n: got "url and discover", allowed is',
    ],
    [{ plugins: { n: { url: [] } } }, "plugins.n.url: got an empty array, allowed is"],
    [{ plugins: { n: { url: 5 } } }, "plugins.n.url: got 5, allowed is"],
    [
      { plugins: { n: { url: "http://h", token: "a b" } } },
      "plugins.n.token: got a string, allowed is visible ASCII characters",
    ],
    [
      { plugins: { n: { url: "http://h", tls: {} } } },
      "plugins.n.tls: got an object, allowed is nothing, unless every url is https",
    ],
    [
      { plugins: { n: { url: "https://h", tls: { key: 5 } } } },
      "plugins.n.tls.key: got a number, allowed is PEM",
    ],
    [
      { plugins: { n: { url: "https://h", tls: { ca: "PEM", caFile: "ca.pem" } } } },
      'plugins.n.tls.caFile: got "ca.pem", allowed is nothing beside ca',
    ],
    [
      { plugins: { n: { url: "https://h", tls: { certFile: "cert.pem" } } } },
      "plugins.n.tls: got an object, allowed is a certificate with its key: cert or certFile, and",
    ],
    [
      { plugins: { n: { url: "https://h", tls: { subjectAltNames: ["spiffe://A/b"] } } } },
      'plugins.n.tls.subjectAltNames[0]: got "spiffe://A/b", allowed is DNS names and SPIFFE IDs',
    ],
    [
      { plugins: { n: { url: "https://h", tls: { subjectAltNames: [] } } } },
      "plugins.n.tls.subjectAltNames: got an empty array, allowed is DNS names and SPIFFE IDs",
    ],
    [{ plugins: { n: { handler: 5 } } }, "plugins.n.handler: got 5, allowed is a function"],
    [
      { plugins: { n: { handler() {}, carrier: "mux" } } },
      "plugins.n.carrier: no such option; allowed are handler",
    ],
    [{ prefix: "plugins" }, 'prefix: got "plugins", allowed is "/", or a path such as'],
    [{ prefix: "" }, 'prefix: got "", allowed is'],
    [{ prefix: "/a/../b" }, 'prefix: got "/a/../b", allowed is'],
    [{ prefix: "/a%20b" }, 'prefix: got "/a%20b", allowed is'],
    [{ prefix: "//a" }, 'prefix: got "//a", allowed is'],
    [
      { publicPath: "/app?x" },
      'publicPath: got "/app?x", allowed is "", or a path such as "/app", without a query',
    ],
    [{ publicPath: "http://h/app" }, 'publicPath: got "http://h/app", allowed is'],
    [{ publicPath: "//evil" }, 'publicPath: got "//evil", allowed is'],
    [{ prefix: "/p", publicPath: `/${"a".repeat(893)}` }, "publicPath: got"],
    [
      { plugins: { n: { ...notes, path: "full", rewriteRedirects: true } } },
      'plugins.n.rewriteRedirects: got true, allowed is false with path "full"',
    ],
    [
      { plugins: { n: { url: "http://h", path: "full", redirectToSlash: true } } },
      'plugins.n.redirectToSlash: got true, allowed is false with path "full"',
    ],
    [
      { plugins: { n: { ...notes, rewriteRedirects: "yes" } } },
      'plugins.n.rewriteRedirects: got "yes", allowed is true or false',
    ],
    [
      { plugins: { n: { ...notes, hosts: "a.test" } } },
      'plugins.n.hosts: got "a.test", allowed is an array of host names',
    ],
    [
      { plugins: { n: { ...notes, hosts: ["a.test", "b.test:80"] } } },
      'plugins.n.hosts[1]: got "b.test:80", allowed is a host name such as "notes.example.org"',
    ],
    [{ plugins: { n: { ...notes, hosts: ["*.test"] } } }, 'plugins.n.hosts[0]: got "*.test"'],
    [
      { plugins: { n: { ...notes, hosts: ["a.test", "A.test"] } } },
      "plugins.n.hosts: got an array, allowed is an array of host names, each once",
    ],
    [{ plugins: { n: { ...notes, path: "whole" } } }, 'plugins.n.path: got "whole", allowed is'],
    [
      { plugins: { a: { url: "http://h:1", protocol: "http" } } },
      'plugins.a.protocol: got "http", allowed is one of "grpc", "connect"',
    ],
    [
      { plugins: { a: { url: "http://h:1", protocol: "connect", carrier: "mux" } } },
      'plugins.a.carrier: got "mux", allowed is "auto" or "stream" with protocol "connect"',
    ],
    [{ enabled: "yes" }, 'enabled: got "yes", allowed is true or false'],
    [{ identity: {} }, "identity: got an object, allowed is a function"],
    [
      { edge: { forwarded: true } },
      'edge.forwarded: got true, allowed is one of "replace", "append", "off"',
    ],
    [
      { edge: { forwardedBy: "x-real-ip" } },
      'edge.forwardedBy: got "x-real-ip", allowed is one of "x-forwarded", "forwarded"',
    ],
    [{ edge: { informational: "no" } }, 'edge.informational: got "no", allowed is true or false'],
    [
      { edge: { strip: { header: [] } } },
      "edge.strip.header: no such option (did you mean headers?); allowed are cookies, headers, queryParameters",
    ],
    [
      { edge: { strip: { cookies: "a" } } },
      'edge.strip.cookies: got "a", allowed is an array of cookie names',
    ],
    [
      { edge: { strip: { headers: ["Host"] } } },
      'edge.strip.headers[0]: got "Host", allowed is the name of a header that',
    ],
    [
      { edge: { identityHeaders: ["a b"] } },
      'edge.identityHeaders[0]: got "a b", allowed is the name',
    ],
    [
      { edge: { upgrades: ["h2c"] } },
      'edge.upgrades[0]: got "h2c", allowed is a protocol in lower case',
    ],
    [{ edge: { upgrades: ["WebSocket"] } }, 'edge.upgrades[0]: got "WebSocket", allowed is'],
    [
      { edge: { trustedProxies: ["localhost"] } },
      'edge.trustedProxies[0]: got "localhost", allowed is an IP address, a range such as "10.0.0.0/8", or "unix"',
    ],
    [
      { limits: { maxInFlight: 0 } },
      "limits.maxInFlight: got 0, allowed is a whole number from 1 to 1000000",
    ],
    [{ timeouts: { headMs: "1s" } }, 'timeouts.headMs: got "1s", allowed is a whole number'],
    [{ timeouts: { headMs: Number.NaN } }, "timeouts.headMs: got NaN, allowed is a whole number"],
    [{ timeouts: { startMs: 0 } }, "timeouts.startMs: got 0, allowed is a whole number from 1"],
    [
      { timeouts: { headMS: 1 } },
      "timeouts.headMS: no such option (did you mean headMs?); allowed are headMs, idleMs, totalMs, startMs, waitMs, drainMs",
    ],
    [{ logger: true }, "logger: got true, allowed is a pino logger, another object with warn and"],
    [{ logger: { warn() {} } }, "logger: got an object, allowed is a pino logger, another object"],
    [{ logger: console.log }, "logger: got a function, allowed is a pino logger, another object"],
    [{ chunkBytes: 0 }, "chunkBytes: got 0, allowed is a whole number from 1 to 65536"],
    [{ chunkBytes: 65_537 }, "chunkBytes: got 65537, allowed is a whole number from 1 to 65536"],
    [{ chunkBytes: 1.5 }, "chunkBytes: got 1.5, allowed is a whole number"],
    [{ prefix: 1, chunkBytes: 0 }, "prefix: got 1, allowed is"],
  ])("refuses %j in one readable line", (options, expected) => {
    const line = message(options);
    expect(line).toContain(expected);
    expect(line.indexOf(expected)).toBe(0);
    expect(line).not.toMatch(/[\n\r]/);
    expect(line.length).toBeLessThan(300);
  });

  it("says how many more problems there are", () => {
    expect(message({ prefix: 1, chunkBytes: 0 })).toMatch(/ \(and 1 more\)$/);
  });

  it("never shows a secret", () => {
    const secret = { command: ["node"], env: { KEY: "hunter2\0" } };
    expect(message({ plugins: { n: secret } })).not.toContain("hunter2");
    const token = { url: "http://h", token: "hunter2 " };
    expect(message({ plugins: { n: token } })).not.toContain("hunter2");
  });

  it("shortens what is long", () => {
    expect(message({ prefix: "x".repeat(10_000) }).length).toBeLessThan(300);
  });
});

describe("readPluginOptions", () => {
  it("refuses an id that is no string", () => {
    expect(() => readPluginOptions(5 as never, notes, readHostOptions({}))).toThrow(
      /^plugins: got 5, allowed is an id/,
    );
  });
});
