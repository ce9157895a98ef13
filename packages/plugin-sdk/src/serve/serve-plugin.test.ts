import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  Carrier,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "@servehttp/contract/services";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TemporaryDirectory, testCertificates, until } from "@servehttp/testkit";
import { servePlugin } from "./serve-plugin.js";
import type { CarrierName } from "../test-rig/stock-exchange.js";
import { StockHost } from "../test-rig/stock-host.js";

const local = { address: "127.0.0.1:0" };
const carriers: CarrierName[] = ["stream", "mux"];

/** Answers with what it reads, as it reads it. */
const echo = {
  serveHTTP: async (
    request: { body: AsyncIterable<Uint8Array> },
    response: { write(chunk: Uint8Array): Promise<void> },
  ): Promise<void> => {
    for await (const chunk of request.body) {
      await response.write(chunk);
    }
  },
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the address", () => {
  it.each([
    ["127.0.0.1:0", /^127\.0\.0\.1:[1-9]\d*$/],
    ["[::1]:0", /^\[::1\]:[1-9]\d*$/],
    ["localhost:0", /^(?:127\.0\.0\.1|\[::1\]):[1-9]\d*$/],
  ])("is served and read back: %s", async (address, shown) => {
    await using plugin = await servePlugin(echo, { address });
    expect(plugin.address).toMatch(shown);
    expect(await echoed(plugin.address)).toBe("hello");
  });

  it("may be a unix socket, which is gone after close", async () => {
    await using directory = await TemporaryDirectory.make();
    const address = `unix:${directory.at("s")}`;
    await using plugin = await servePlugin(echo, { address });
    expect(plugin.address).toBe(address);
    expect(await echoed(address)).toBe("hello");
    await plugin.close();
    // A second plugin finds nothing in its way.
    await using again = await servePlugin(echo, { address });
    expect(await echoed(again.address)).toBe("hello");
  });

  it("is refused where it is none, and nothing is left behind", async () => {
    const before = leftBehind();
    await expect(servePlugin(echo, { address: "nowhere" })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining('"nowhere"'),
    });
    expect(leftBehind()).toEqual(before);
  });
});

describe("the environment", () => {
  it("gives address, token and id", async () => {
    vi.stubEnv("SERVEHTTP_ADDRESS", "127.0.0.1:0");
    vi.stubEnv("SERVEHTTP_TOKEN", "of-environment");
    vi.stubEnv("SERVEHTTP_PLUGIN_ID", "notes");
    await using plugin = await servePlugin(echo);
    expect(plugin.id).toBe("notes");
    expect(await echoed(plugin.address, "of-environment")).toBe("hello");
    expect(await echoed(plugin.address)).toBe("Unauthenticated");
  });

  it("gives way to options", async () => {
    vi.stubEnv("SERVEHTTP_ADDRESS", "unix:/nowhere/at/all");
    vi.stubEnv("SERVEHTTP_TOKEN", "of-environment");
    vi.stubEnv("SERVEHTTP_PLUGIN_ID", "notes");
    await using plugin = await servePlugin(echo, { ...local, token: "of-options", id: "mine" });
    expect(plugin.id).toBe("mine");
    expect(await echoed(plugin.address, "of-options")).toBe("hello");
    expect(await echoed(plugin.address, "of-environment")).toBe("Unauthenticated");
  });

  it("asks for nothing where there is no token, and has no id", async () => {
    await using plugin = await servePlugin(echo, local);
    expect(plugin.id).toBeUndefined();
    expect(await echoed(plugin.address)).toBe("hello");
  });

  it.each(["", " ", "a b", "a\n", "ä"])(
    "refuses a token that nobody could show, instead of letting everybody in: %j",
    async (token) => {
      await expect(servePlugin(echo, { ...local, token })).rejects.toMatchObject({
        code: "invalid-argument",
        message:
          "the token must be visible ASCII characters, at least one; leave it out to let everybody in",
      });
    },
  );

  it.each([-1, Number.NaN, Infinity, 2 ** 31, "5"])("refuses drainMs: %s", async (drainMs) => {
    const options = { ...local, drainMs: drainMs as number };
    await expect(servePlugin(echo, options)).rejects.toMatchObject({
      code: "invalid-argument",
      message: `drainMs is ${drainMs}: give milliseconds, 0 to 2147483647`,
    });
  });
});

describe("a client without the token", () => {
  const token = "0123456789abcdef";

  it.each([undefined, "", "x", "0123456789abcdeX", "0123456789abcde", "0123456789abcdefg"])(
    "L7: is refused on every RPC before any handler runs: %j",
    async (shown) => {
      let calls = 0;
      const handler = {
        serveHTTP: () => {
          calls += 1;
        },
      };
      await using plugin = await servePlugin(handler, { ...local, token });
      using host = new StockHost(plugin.address, { token: shown });
      const refusals = [
        host.plugin.describe({ contractVersions: [1] }),
        host.health.check({}),
        firstOf(host.health.watch({})),
      ].map(async (answer) => {
        const thrown = await answer.then(
          () => undefined,
          (error: unknown) => error,
        );
        return ConnectError.from(thrown).code;
      });
      expect(await Promise.all(refusals)).toEqual(refusals.map(() => Code.Unauthenticated));
      for (const carrier of carriers) {
        const exchange = host.open(carrier);
        exchange.end();
        expect([carrier, await exchange.untilOver()]).toEqual([carrier, "Unauthenticated"]);
      }
      expect(calls).toBe(0);
      // The plugin is there for who shows it.
      using right = new StockHost(plugin.address, { token });
      const exchange = right.open("mux");
      exchange.end();
      expect([await exchange.untilOver(), calls]).toEqual(["ended", 1]);
    },
  );
});

describe("Describe", () => {
  it("tells the version, the carriers and the software", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    const description = await host.plugin.describe({ contractVersions: [7, 1], pluginId: "notes" });
    expect(description).toMatchObject({
      contractVersion: 1,
      servesHttp: true,
      carriers: [Carrier.STREAM, Carrier.MUX],
    });
    expect(description.software).toMatch(
      /^servehttp-plugin-sdk\/\d+\.\d+\.\d+\S* node\/\d+\.\d+\.\d+/,
    );
  });

  it.each([
    [[], "none"],
    [[2, 3], "2, 3"],
  ])("fails where no version is common, with both named: %j", async (contractVersions, named) => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    const answer = host.plugin.describe({ contractVersions });
    await expect(answer).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: `this plugin speaks version 1 of the contract, the host ${named}`,
    });
  });
});

describe("health", () => {
  it.each(["", "servehttp.v1.PluginService"])("says that %j serves", async (service) => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    expect((await host.health.check({ service })).status).toBe(ServingStatus.SERVING);
  });

  it("does not know other services", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    await expect(host.health.check({ service: "other" })).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: 'no service "other" here',
    });
    const watch = host.health.watch({ service: "other" });
    expect((await firstOf(watch)).status).toBe(ServingStatus.SERVICE_UNKNOWN);
  });

  it("tells who watches that the plugin closes, and ends there: nobody holds the plugin up by watching", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    const seen: ServingStatus[] = [];
    const watching = (async () => {
      for await (const { status } of host.health.watch({})) {
        seen.push(status);
      }
    })();
    await until(() => seen.length > 0, "the first status");
    await plugin.close();
    await watching;
    expect(seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  });
});

describe("close", () => {
  it.each(carriers)("L5: lets what runs finish, and takes nothing new, on %s", async (carrier) => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address);
    const exchange = host.open(carrier);
    exchange.sendBody("before");
    await exchange.untilBody("before");
    expect(plugin.inFlight).toBe(1);
    const closing = plugin.close();
    expect(plugin.close()).toBe(closing);
    using other = new StockHost(plugin.address);
    await expect(other.plugin.describe({ contractVersions: [1] })).rejects.toMatchObject({
      code: Code.Unavailable,
    });
    exchange.sendBody(" and after");
    await exchange.untilBody("before and after");
    expect(exchange.isDraining).toBe(carrier === "mux");
    exchange.end();
    expect(await exchange.untilOver()).toBe("ended");
    await closing;
    expect(plugin.inFlight).toBe(0);
  });

  it("waits for a handler that has answered and still works", async () => {
    const work = Promise.withResolvers<void>();
    const handler = {
      serveHTTP: async (_request: unknown, response: { end(text: string): Promise<void> }) => {
        await response.end("answered");
        await work.promise;
      },
    };
    await using plugin = await servePlugin(handler, local);
    using host = new StockHost(plugin.address);
    const exchange = host.open("stream");
    exchange.end();
    expect(await exchange.untilOver()).toBe("ended");
    let closed = false;
    const closing = plugin.close().then(() => {
      closed = true;
    });
    await until(() => host.connectionState !== "open", "the end of the connection");
    expect([closed, plugin.inFlight]).toEqual([false, 1]);
    work.resolve();
    await closing;
  });

  it("does not wait for a handler that never comes back, once the grace has run out", async () => {
    const handler = {
      serveHTTP: async (_request: unknown, response: { end(): Promise<void> }) => {
        await response.end();
        await new Promise(() => undefined);
      },
    };
    await using plugin = await servePlugin(handler, { ...local, drainMs: 0 });
    using host = new StockHost(plugin.address);
    const exchange = host.open("mux");
    exchange.end();
    await exchange.untilOver();
    await plugin.close();
    expect(plugin.inFlight).toBe(1);
  });

  it.each([
    ["stream", "Unavailable"],
    ["mux", 4],
  ] as const)(
    "L5: gives up what is left when the grace has run out, and says why at both ends, on %s",
    async (carrier, outcome) => {
      const reasons: unknown[] = [];
      const handler = {
        serveHTTP: async (request: {
          signal: AbortSignal;
          body: AsyncIterable<Uint8Array>;
        }): Promise<void> => {
          request.signal.addEventListener("abort", () => reasons.push(request.signal.reason));
          try {
            for await (const chunk of request.body) {
              reasons.push(chunk);
            }
          } catch (error) {
            reasons.push(error);
            throw error;
          }
        },
      };
      await using plugin = await servePlugin(handler, { ...local, drainMs: 0 });
      using host = new StockHost(plugin.address);
      const exchange = host.open(carrier);
      await until(() => plugin.inFlight === 1, "the handler");
      await plugin.close();
      expect(reasons).toMatchObject([{ code: "plugin-closing" }, { code: "plugin-closing" }]);
      expect(await exchange.untilOver()).toBe(outcome);
      expect(plugin.inFlight).toBe(0);
    },
  );

  it("comes to its end also where somebody has connected and never shakes hands for TLS", async () => {
    await using plugin = await servePlugin(echo, { ...local, drainMs: 0, tls: certificates() });
    const { port, hostname } = new URL(`http://${plugin.address}`);
    const silent = connect(Number(port), hostname).resume();
    await once(silent, "connect");
    const silentClosed = once(silent, "close");
    using host = new StockHost(plugin.address, { tls: { ca: testCertificates().ca } });
    const exchange = host.open("mux");
    exchange.sendBody("a");
    await exchange.untilBody("a");
    await plugin.close();
    await silentClosed;
    expect(await exchange.untilOver()).toBe(4);
  });

  it("leaves no listener and no handle behind", async () => {
    const before = leftBehind();
    for (const carrier of carriers) {
      await using plugin = await servePlugin(echo, local);
      {
        using host = new StockHost(plugin.address);
        const exchange = host.open(carrier);
        exchange.sendBody("a");
        exchange.end();
        expect(await exchange.untilOver()).toBe("ended");
        expect((await firstOf(host.health.watch({}))).status).toBe(ServingStatus.SERVING);
      }
      expect(process.listenerCount("SIGTERM")).toBe(before.sigterm + 1);
      expect(process.listenerCount("SIGINT")).toBe(before.sigint + 1);
    }
    await until(() => leftBehind().handles <= before.handles, "no handle more than before");
    expect(leftBehind()).toMatchObject({ sigterm: before.sigterm, sigint: before.sigint });
  });

  it("cancels the calls to other plugins that belong to no exchange", async () => {
    await using directory = await TemporaryDirectory.make();
    const asked = Promise.withResolvers<void>();
    const host = createServer(() => asked.resolve());
    host.listen(directory.socketPath);
    await once(host, "listening");
    vi.stubEnv("SERVEHTTP_CALLS_ADDRESS", `unix:${directory.socketPath}`);
    vi.stubEnv("SERVEHTTP_CALLS_TOKEN", "calls");
    await using plugin = await servePlugin(echo, local);
    const call = plugin.plugins.fetch("search", "/");
    call.catch(() => undefined);
    await asked.promise;
    await plugin.close();
    await expect(call).rejects.toMatchObject({ code: "plugin-closing" });
    await expect(plugin.plugins.fetch("search", "/")).rejects.toMatchObject({
      code: "plugin-closing",
    });
    host.close();
    await once(host, "close");
  });

  it("of one plugin leaves the others of the process alone", async () => {
    await using one = await servePlugin(echo, local);
    await using other = await servePlugin(echo, local);
    await one.close();
    expect(process.listenerCount("SIGTERM")).toBe(1);
    expect(await echoed(other.address)).toBe("hello");
  });
});

describe("TLS", () => {
  it("serves who trusts the certificate, on both carriers", async () => {
    const { ca } = testCertificates();
    await using plugin = await servePlugin(echo, { ...local, tls: certificates() });
    expect(await echoed(plugin.address, undefined, { ca })).toBe("hello");
    expect(await echoed(plugin.address, undefined, {})).not.toBe("hello");
    expect(await echoed(plugin.address)).not.toBe("hello");
  });

  it("asks for the host's certificate where it is told to", async () => {
    const { ca, host, stranger } = testCertificates();
    const tls = { ...certificates(), ca, requestCert: true };
    await using plugin = await servePlugin(echo, { ...local, tls });
    expect(await echoed(plugin.address, undefined, { ca, ...host })).toBe("hello");
    expect(await echoed(plugin.address, undefined, { ca })).not.toBe("hello");
    expect(await echoed(plugin.address, undefined, { ca, ...stranger })).not.toBe("hello");
  });

  it.each([
    ["nothing", {}],
    ["a key without a certificate", { key: testCertificates().plugin.key }],
    ["a certificate that is none", { key: testCertificates().plugin.key, cert: "no certificate" }],
    ["a key of another certificate", { ...certificates(), key: testCertificates().host.key }],
  ])("refuses options that could serve nobody: %s", async (_name, tls) => {
    await expect(servePlugin(echo, { ...local, tls })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/^the option tls [^\n]+$/),
    });
  });
});

function certificates(): { key: string; cert: string } {
  return testCertificates().plugin;
}

/** What comes back for "hello" on both carriers, or how it failed. */
async function echoed(
  address: string,
  token?: string,
  tls?: { ca?: string; key?: string; cert?: string },
): Promise<string> {
  using host = new StockHost(address, { token, ...(tls !== undefined && { tls }) });
  const answers: string[] = [];
  for (const carrier of carriers) {
    const exchange = host.open(carrier);
    exchange.sendBody("hello");
    exchange.end();
    const outcome = await exchange.untilOver();
    answers.push(outcome === "ended" ? exchange.body : String(outcome));
  }
  expect(answers[0]).toBe(answers[1]);
  return answers[0] ?? "";
}

async function firstOf<Value>(values: AsyncIterable<Value>): Promise<Value> {
  for await (const value of values) {
    return value;
  }
  throw new Error("there is none");
}

/** What a plugin must not leave in its process. */
function leftBehind(): { sigterm: number; sigint: number; handles: number } {
  return {
    sigterm: process.listenerCount("SIGTERM"),
    sigint: process.listenerCount("SIGINT"),
    // The timers are those of http2 sessions among others; vitest has one as well.
    handles: process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe|Timeout/.test(name))
      .length,
  };
}

describe("what one connection may open", () => {
  it.each([
    ["TCP", (_path: string) => "127.0.0.1:0", 16_384],
    ["a unix socket", (path: string) => `unix:${path}`, 100_000],
  ])("is bounded on %s", async (_kind, addressOf, streamsMax) => {
    await using directory = await TemporaryDirectory.make();
    const address = addressOf(directory.at("s"));
    await using plugin = await servePlugin(echo, { address, logger: false });
    const session = connectHttp2("http://localhost", {
      createConnection: () =>
        address.startsWith("unix:")
          ? connect(address.slice("unix:".length))
          : connect(Number(plugin.address.split(":").at(-1)), "127.0.0.1"),
    });
    const [settings] = (await once(session, "remoteSettings")) as [
      { maxConcurrentStreams: number },
    ];
    expect(settings.maxConcurrentStreams).toBe(streamsMax);
    session.destroy();
  });
});
