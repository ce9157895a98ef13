import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CommandInMemory, runCommand } from "../test-rig/command-in-memory.js";
import { pluginPath } from "../test-rig/plugin-path.js";

const hello = `hello=${pluginPath("hello")}`;

afterEach(() => vi.unstubAllEnvs());

describe("servehttp with OTEL_… variables", () => {
  it("sends the traces of its requests to the collector before it ends", async () => {
    const bodies: Buffer[] = [];
    const collector = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(chunk));
      request.on("end", () => response.end());
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    const { port } = collector.address() as AddressInfo;
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", `http://127.0.0.1:${port}`);
    try {
      const command = new CommandInMemory(["--port", "0", "-p", hello]);
      const [, address] = await command.said(/^hello {2}READY {3}(\S+)$/m);
      await (await fetch(`${address}x`)).text();
      await command[Symbol.asyncDispose]();
      expect(Buffer.concat(bodies).toString("latin1")).toContain("GET /plugins/hello/*");
    } finally {
      collector.close();
      collector.closeAllConnections();
    }
  });

  it("says what is wrong with one of them", async () => {
    const environment = {
      ...process.env,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_TRACES_SAMPLER: "some",
    };
    const { exitCode, stderr } = await runCommand(["-p", hello], { environment });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('OTEL_TRACES_SAMPLER: got "some", allowed is "always_on"');
  });
});
