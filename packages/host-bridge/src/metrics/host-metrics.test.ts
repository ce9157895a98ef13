import { metrics } from "@opentelemetry/api";
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
import { fastPathOf } from "../fast-path/install.js";
import { Bridge } from "../test-rig/bridge.js";
import { measuring } from "../test-rig/measuring.js";
import { RawClient } from "../test-rig/raw-client.js";
import { metricDefinitions } from "./metric-definitions.js";

afterEach(() => metrics.disable());

const handler: PluginHandler = {
  async serveHTTP(request, response) {
    switch (request.url) {
      case "/echo":
        return await response.end(await request.bytes());
      case "/throw":
        throw new Error("the handler is at fault");
      case "/wait":
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return;
      case "/tunnel": {
        const { socket } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.pipe(socket);
        return;
      }
      default:
        return await response.end("hello");
    }
  },
};

describe("metrics of a host", () => {
  it("have the semantic conventions' names, units, buckets and attributes", async () => {
    const { meterProvider, collect } = measuring();
    await using bridge = await Bridge.start(handler, { host: { meterProvider } });
    await (await fetch(`http://127.0.0.1:${bridge.port}/plugins/notes/`)).text();
    expect(fastPathOf(bridge.server)?.served).toBe(1);
    const collected = await collect();
    const expected = Object.values(metricDefinitions)
      .filter(({ name }) => !/memory|cpu/.test(name))
      .map(({ name }) => name);
    expect([...collected.keys()].toSorted()).toEqual(expected.toSorted());
    for (const { name, unit, description } of Object.values(metricDefinitions)) {
      expect(collected.get(name)?.descriptor ?? { unit, description }).toMatchObject({
        unit,
        description,
      });
    }
    const duration = collected.get("http.server.request.duration");
    expect(duration?.dataPoints).toMatchObject([
      {
        attributes: {
          "http.request.method": "GET",
          "url.scheme": "http",
          "network.protocol.version": "1.1",
          "http.response.status_code": 200,
          "servehttp.plugin.id": "notes",
        },
        value: {
          count: 1,
          buckets: {
            boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
          },
        },
      },
    ]);
  });

  it("count what was done, in bytes and outcomes", async () => {
    const { meterProvider, valueOf } = measuring();
    await using bridge = await Bridge.start(handler, { host: { meterProvider } });
    const url = `http://127.0.0.1:${bridge.port}/plugins`;
    for (const size of [0, 10, 100_000]) {
      const body = new Uint8Array(size);
      await (await fetch(`${url}/notes/echo`, { method: "POST", body })).bytes();
    }
    await (await fetch(`${url}/notes/throw`)).text();
    await (await fetch(`${url}/stranger/`)).text();
    for (const name of ["request", "response"]) {
      expect(
        await valueOf(`http.server.${name}.body.size`, { "http.request.method": "POST" }),
      ).toMatchObject({ count: 3, sum: 100_010 });
    }
    const duration = "http.server.request.duration";
    expect(await valueOf(duration, { "http.response.status_code": 500 })).toMatchObject({
      count: 1,
    });
    expect(await valueOf(duration, { "error.type": "handler-failed" })).toMatchObject({ count: 1 });
    const unknown = { "servehttp.plugin.id": undefined, "http.response.status_code": 404 };
    expect(await valueOf(duration, unknown)).toMatchObject({ count: 1 });
    const outcomes = "servehttp.exchange.outcomes";
    expect(await valueOf(outcomes, { "servehttp.outcome": "ok" })).toBe(3);
    expect(await valueOf(outcomes, { "servehttp.outcome": "plugin-error" })).toBe(1);
  });

  it("tell what runs now, tunnels apart from requests", async () => {
    const { meterProvider, valueOf } = measuring();
    await using bridge = await Bridge.start(handler, { host: { meterProvider } });
    using waiting = await RawClient.connect(bridge.port);
    waiting.send("GET /plugins/notes/wait HTTP/1.1", "Host: a", "", "");
    using tunnel = await RawClient.connect(bridge.port);
    tunnel.send("GET /plugins/notes/tunnel HTTP/1.1", "Host: a", "Connection: Upgrade");
    tunnel.send("", "Upgrade: websocket", "", "");
    await tunnel.take("\r\n\r\n");
    await until(() => bridge.inFlight === 2, "both are with the plugin");
    expect(await valueOf("http.server.active_requests")).toBe(1);
    expect(await valueOf("servehttp.exchanges.active")).toBe(2);
    expect(await valueOf("servehttp.tunnels.active")).toBe(1);
    expect(await valueOf("servehttp.queue")).toBe(0);
    expect(await valueOf("servehttp.plugin.state", { "servehttp.state": "ready" })).toBe(1);
    expect(await valueOf("servehttp.plugin.state", { "servehttp.state": "failed" })).toBe(0);
    expect(
      await valueOf("http.server.request.duration", { "http.response.status_code": 101 }),
    ).toMatchObject({ count: 1 });
    waiting.socket.destroy();
    tunnel.socket.destroy();
    await until(() => bridge.inFlight === 0, "both are over");
    expect(await valueOf("http.server.active_requests")).toBe(0);
    const left = { "error.type": "client-disconnected" };
    expect(await valueOf("http.server.request.duration", left)).toMatchObject({ count: 1 });
  });

  it("count how long a start takes, and each start after the first", async () => {
    const { meterProvider, valueOf } = measuring();
    await using bridge = await Bridge.start(handler, { host: { meterProvider } });
    expect(await valueOf("servehttp.plugin.start.duration")).toMatchObject({ count: 1 });
    expect(await valueOf("servehttp.plugin.restarts")).toBe(0);
    await bridge.host.reload("notes");
    expect(await valueOf("servehttp.plugin.start.duration")).toMatchObject({ count: 2 });
  });

  it("have no more than a few sets of attributes, whatever clients send", async () => {
    const { meterProvider, collect } = measuring();
    await using bridge = await Bridge.start(handler, { host: { meterProvider } });
    using client = await RawClient.connect(bridge.port);
    for (const method of ["QUERY", "PROPFIND", "MKCOL", "PURGE", "SEARCH"]) {
      for (const path of ["a", "b?c", `${Math.random()}`]) {
        client.send(
          `${method} /plugins/notes/${path} HTTP/1.1`,
          "Host: a",
          "User-Agent: b",
          "",
          "",
        );
        await client.take("hello");
        client.send(`GET /plugins/${method}${path}/ HTTP/1.1`, "Host: a", "", "");
        await client.take("Not found.");
      }
    }
    const points = (await collect()).get("http.server.request.duration")?.dataPoints ?? [];
    const methods = points.map(({ attributes }) => attributes["http.request.method"]);
    expect(methods).toHaveLength(3);
    expect(new Set(methods)).toEqual(new Set(["GET", "QUERY", "_OTHER"]));
    expect(JSON.stringify(points)).not.toMatch(/PROPFIND|127\.0\.0\.1|"\/|User-Agent/);
  });

  it("go to the global MeterProvider that is there when the host starts", async () => {
    const { meterProvider, valueOf } = measuring();
    const host = createPluginHost({
      logger: false,
      plugins: { own: { handler: () => undefined } },
    });
    metrics.setGlobalMeterProvider(meterProvider);
    await host.start();
    expect(await valueOf("servehttp.plugin.state", { "servehttp.state": "in-process" })).toBe(1);
    await host.stop();
  });

  it("are told no more once the host has stopped, and again once it starts", async () => {
    const { meterProvider, collect, valueOf } = measuring();
    const plugins = { own: { handler: () => undefined } };
    const host = createPluginHost({ logger: false, plugins, meterProvider });
    await host.start();
    await host.stop();
    expect((await collect()).get("servehttp.plugin.state")?.dataPoints ?? []).toEqual([]);
    await host.start();
    expect(await valueOf("servehttp.plugin.state", { "servehttp.state": "in-process" })).toBe(1);
    await host.stop();
  });

  it("refuse what is no MeterProvider", () => {
    expect(() => createPluginHost({ meterProvider: {} as MeterProvider })).toThrow(
      "meterProvider: got an object, allowed is a MeterProvider of OpenTelemetry's",
    );
  });
});
