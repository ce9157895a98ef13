import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CommandInMemory } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = `hello=${pluginPath("hello")}`;
const token = "the-token-of-the-tests";

afterEach(() => vi.unstubAllEnvs());

async function ask(command: CommandInMemory): Promise<void> {
  const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
  await (await fetch(`${address}x`)).text();
}

describe("metrics of servehttp", () => {
  it("are at /metrics of the admin, for whoever has the token", async () => {
    const environment = { ...process.env, SERVEHTTP_ADMIN_TOKEN: token };
    const flags = ["--port", "0", "-p", hello, "--admin", "127.0.0.1:0"];
    await using command = new CommandInMemory(flags, { environment });
    const [, admin = ""] = await command.said(/^admin on (http:\S+)$/m);
    await ask(command);
    const headers = { authorization: `Bearer ${token}` };
    const text = await (await fetch(`${admin}/metrics`, { headers })).text();
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{.*\} 1$/m);
    expect(text).toContain(
      'servehttp_plugin_state{servehttp_plugin_id="hello",servehttp_state="ready"} 1',
    );
    expect(text).toMatch(
      /^servehttp_plugin_memory_usage_bytes\{servehttp_plugin_id="hello"\} \d+$/m,
    );
    expect((await fetch(`${admin}/metrics`)).status).toBe(401);
  });

  it("have every name that the dashboard and the rules of docs/grafana ask for", async () => {
    const asked = ["servehttp.json", "alerts.yml"].flatMap((name) => {
      const file = new URL(`../../../../docs/grafana/${name}`, import.meta.url);
      return readFileSync(file, "utf8").match(/\b(?:http|servehttp)_[a-z_]+(?=[{[)\s])/g) ?? [];
    });
    const environment = { ...process.env, SERVEHTTP_ADMIN_TOKEN: token };
    const flags = ["--port", "0", "-p", hello, "--admin", "127.0.0.1:0"];
    await using command = new CommandInMemory(flags, { environment });
    const [, admin = ""] = await command.said(/^admin on (http:\S+)$/m);
    await ask(command);
    const headers = { authorization: `Bearer ${token}` };
    const text = await (await fetch(`${admin}/metrics`, { headers })).text();
    const names = [...new Set(asked)].filter((name) => !text.includes(`${name}="`));
    expect(names.length).toBeGreaterThan(12);
    expect(names.filter((name) => !text.includes(`\n${name}{`))).toEqual([]);
  });

  it("go to a collector, for the last time before it ends", async () => {
    const bodies: Buffer[] = [];
    const collector = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(chunk));
      request.on("end", () => response.end());
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    const { port } = collector.address() as AddressInfo;
    vi.stubEnv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", `http://127.0.0.1:${port}/v1/metrics`);
    try {
      const command = new CommandInMemory(["--port", "0", "-p", hello]);
      await ask(command);
      await command[Symbol.asyncDispose]();
      expect(Buffer.concat(bodies).toString("latin1")).toContain("http.server.request.duration");
    } finally {
      collector.close();
      collector.closeAllConnections();
    }
  });
});
