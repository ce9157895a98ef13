import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { endWithHost } from "./process-end.js";
import { ChildPlugin } from "../test-rig/child-plugin.js";
import { StockHost } from "../test-rig/stock-host.js";

describe("a plugin that is run by hand", () => {
  it("listens where --listen says", async () => {
    await using child = await ChildPlugin.start(["--listen", "127.0.0.1:0"]);
    using host = new StockHost(await child.untilReady());
    expect((await host.plugin.describe({ contractVersions: [1] })).servesHttp).toBe(true);
    expect(child.stderr).toBe("");
  });

  it("says in one line how to run it where it is told nothing, and exits with code 2", async () => {
    await using child = await ChildPlugin.start([]);
    expect(await child.untilEnded()).toEqual([2, null]);
    expect(child.stdout).toBe("");
    const path = child.directory.at("plugin.mjs");
    expect(child.stderr).toBe(
      `This is a servehttp plugin: let a host start it, or run it by hand as: node ${path} --listen 127.0.0.1:50051\n`,
    );
  });

  it.each([
    [["--listen", "nowhere"], {}, 'the address "nowhere" is neither '],
    [[], { SERVEHTTP_ADDRESS: "unix:" }, 'the address "unix:" is neither '],
    [["--listen", "unix:DIRECTORY/none/s"], {}, `can't listen on "unix:`],
    [["--listen=127.0.0.1:0"], { SERVEHTTP_TOKEN: "" }, "the token must be visible "],
    [
      ["--listen=127.0.0.1:0"],
      { SERVEHTTP_HOST_FD: "x" },
      'SERVEHTTP_HOST_FD is "x", which is not ',
    ],
    [["--listen=127.0.0.1:0"], { SERVEHTTP_HOST_FD: "999" }, 'SERVEHTTP_HOST_FD is "999", which '],
  ])("says in one line what is wrong, and exits with code 2: %j %j", async (args, env, start) => {
    await using child = await ChildPlugin.start(args, env);
    expect(await child.untilEnded()).toEqual([2, null]);
    expect(child.stdout).toBe("");
    expect(child.stderr.startsWith(start)).toBe(true);
    expect(child.stderr.indexOf("\n")).toBe(child.stderr.length - 1);
  });

  it("says so where somebody else listens", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    await using child = await ChildPlugin.start(["--listen", `127.0.0.1:${port}`]);
    expect(await child.untilEnded()).toEqual([2, null]);
    expect(child.stderr).toBe(
      `can't listen on "127.0.0.1:${port}": another process listens there\n`,
    );
    other.close();
  });
});

describe("signals", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s drains and exits with code 0, and leaves no socket file",
    async (signal) => {
      await using child = await ChildPlugin.start([], { SERVEHTTP_ADDRESS: "unix:DIRECTORY/s" });
      using host = new StockHost(await child.untilReady());
      const exchange = host.open("mux");
      exchange.sendBody("before");
      await exchange.untilBody("before");
      child.signal(signal);
      await until(() => exchange.isDraining, "the plugin to drain");
      exchange.sendBody(" and after");
      await exchange.untilBody("before and after");
      exchange.end();
      expect(await exchange.untilOver()).toBe("ended");
      expect(await child.untilEnded()).toEqual([0, null]);
      expect([existsSync(child.directory.at("s")), child.stderr]).toEqual([false, ""]);
    },
  );

  it.each(["SIGTERM", "SIGINT"])(
    "%s ends it with code 0 also before it listens, and leaves no socket file",
    async (signal) => {
      await using child = await ChildPlugin.start(
        [],
        { SERVEHTTP_ADDRESS: "unix:DIRECTORY/s" },
        `process.kill(process.pid, "${signal}");`,
      );
      expect(await child.untilEnded()).toEqual([0, null]);
      expect([existsSync(child.directory.at("s")), child.stderr]).toEqual([false, ""]);
    },
  );

  it("ends it at once when it comes for the second time", async () => {
    await using child = await ChildPlugin.start([], { SERVEHTTP_ADDRESS: "unix:DIRECTORY/s" });
    using host = new StockHost(await child.untilReady());
    const exchange = host.open("mux");
    exchange.sendBody("held");
    await exchange.untilBody("held");
    child.signal("SIGTERM");
    await until(() => exchange.isDraining, "the plugin to drain");
    child.signal("SIGTERM");
    expect(await child.untilEnded()).toEqual([143, null]);
    expect(await exchange.untilOver()).not.toBe("ended");
    expect(existsSync(child.directory.at("s"))).toBe(false);
  });
});

describe("the host's pipe", () => {
  it.each([
    ["while nothing happens", false],
    ["while an exchange runs and the plugin drains", true],
  ])("L6: ends the plugin when it closes, and its socket file with it, %s", async (_name, busy) => {
    await using child = await ChildPlugin.start([], {
      SERVEHTTP_ADDRESS: "unix:DIRECTORY/s",
      SERVEHTTP_HOST_FD: "3",
    });
    using host = new StockHost(await child.untilReady());
    if (busy) {
      const exchange = host.open("mux");
      exchange.sendBody("held");
      await exchange.untilBody("held");
      child.signal("SIGTERM");
      await until(() => exchange.isDraining, "the plugin to drain");
    }
    const before = performance.now();
    child.closeHostPipe();
    expect(await child.untilEnded()).toEqual([1, null]);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(existsSync(child.directory.at("s"))).toBe(false);
  });

  it("must be one", () => {
    for (const given of ["x", "-1", "3.5", "99999"]) {
      expect(() => endWithHost(given)).toThrow(
        `SERVEHTTP_HOST_FD is "${given}", which is not the number of an open pipe`,
      );
    }
  });
});
