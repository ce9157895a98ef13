import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { createPluginHost } from "@servehttp/host-bridge";
import { TemporaryDirectory } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { Report } from "./report/result.js";
import { failureLine } from "./report/table.js";
import { type HostKitOptions, runHostKit } from "./run-host-kit.js";

// A run on a busy machine takes many times what it takes otherwise.
const timeoutMs = 180_000;

/** What our host does otherwise, and why. It must fail. */
const knownFailures =
  "C5.half-close  as Node's server does unless its httpAllowHalfOpen is set, it takes a half-close for the client's end";

describe("the TypeScript host", () => {
  it.each(["stream", "mux"] as const)(
    "does on %s what plugins and clients of HTTP/1.1 rely on",
    { timeout: timeoutMs },
    async (carrier) => {
      const { report, warnings } = await checked({ carriers: [carrier], knownFailures });
      expect(failuresIn(report)).toEqual([]);
      const passed = report.results.filter(({ outcome }) => outcome === "passed");
      expect(passed.length).toBeGreaterThan(110);
      // Each violation of the contract leaves a line in the host's log, or none of them need be.
      const violations = passed.filter(({ id }) => /^F[34]\./.test(id));
      expect(warnings).toBeGreaterThan(violations.length / 2);
    },
  );

  it("does what clients of HTTP/2 rely on", { timeout: timeoutMs }, async () => {
    const { report } = await checked({ http2: true, carriers: ["mux"] });
    expect(failuresIn(report)).toEqual([]);
  });

  it("keeps its times for heads and for silence", { timeout: timeoutMs }, async () => {
    const times = { headSeconds: 0.3, idleSeconds: 0.3, only: ["D5"] };
    const { report } = await checked(times, { timeouts: { headMs: 300, idleMs: 300 } });
    expect(report.results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      "stream/D5.head passed",
      "stream/D5.idle passed",
      "mux/D5.head passed",
      "mux/D5.idle passed",
    ]);
  });
});

/** Runs the kit against a host of ours, which is in this process. */
async function checked(
  options: Omit<HostKitOptions, "host" | "serve">,
  hostOptions: Pick<Parameters<typeof createPluginHost>[0], "timeouts"> = {},
): Promise<{ report: Report; warnings: number }> {
  await using folder = await TemporaryDirectory.make();
  const serve = `unix:${folder.at("kit.sock")}`;
  let warnings = 0;
  const count = () => {
    warnings += 1;
  };
  const host = createPluginHost({
    plugins: { kit: { url: serve, token: "known-to-both" } },
    identity: () => ({ "x-user-id": "ada" }),
    logger: { warn: count, error: count },
    ...hostOptions,
  });
  const server = options.http2 === true ? createHttp2Server() : createServer();
  host.attach(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const report = await runHostKit({
      host: `http://127.0.0.1:${port}/plugins/kit`,
      serve,
      token: "known-to-both",
      identity: "x-user-id",
      timeoutSeconds: 60,
      onServing: () => void host.start(),
      ...options,
    });
    return { report, warnings };
  } finally {
    await host.stop({ drainMs: 0 });
    server.close();
  }
}

function failuresIn({ results }: Report): readonly string[] {
  return results
    .filter(({ outcome }) => outcome === "failed" || outcome === "fixed")
    .map((result) => failureLine(result));
}
