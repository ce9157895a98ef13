import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { ConnectError } from "@connectrpc/connect";
import { MessageCarrier, ServingState } from "@servehttp/carrier";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "@servehttp/contract/services";
import { expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { type PluginRpcs, servePluginRpcs } from "./plugin-rpcs.js";
import { StockHost } from "../test-rig/stock-host.js";

it("holds nothing of watches whose clients have left", async () => {
  const state = new ServingState();
  const server = createServer(servePluginRpcs(rpcsOf(state)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  using host = new StockHost(`127.0.0.1:${port}`);
  const leaving = new AbortController();
  const first: ServingStatus[] = [];
  const watches = Array.from({ length: 20 }, async () => {
    for await (const { status } of host.health.watch({}, { signal: leaving.signal })) {
      first.push(status);
    }
  });
  const ends = Promise.allSettled(watches);
  await until(() => first.length === 20 && state.waitingCount === 20, "all watches");
  leaving.abort();
  await until(() => state.waitingCount === 0, "nobody who waits");
  for (const end of await ends) {
    expect(end.status === "rejected" && ConnectError.from(end.reason).rawMessage).toBe(
      "This operation was aborted",
    );
  }
  server.close();
});

it("tells a watch that begins while the plugin closes so, and ends", async () => {
  const state = new ServingState();
  state.close();
  const server = createServer(servePluginRpcs(rpcsOf(state)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  using host = new StockHost(`127.0.0.1:${port}`);
  const seen: ServingStatus[] = [];
  for await (const { status } of host.health.watch({})) {
    seen.push(status);
  }
  expect(seen).toEqual([ServingStatus.NOT_SERVING]);
  expect((await host.health.check({})).status).toBe(ServingStatus.NOT_SERVING);
  server.close();
});

function rpcsOf(state: ServingState): PluginRpcs {
  const accept = () => {
    throw new Error("no exchange is expected");
  };
  const exchanges = new MessageCarrier(accept);
  return { software: "software", state, exchanges, mayDiagnose: false };
}
