import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { plainEnd, ServeHTTPError } from "@servehttp/contract";
import { ManualClock, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { byRequest } from "./client/incoming-request.js";
import { EdgePolicy } from "./edge/edge-policy.js";
import { type BalanceOptions, balanceSchema } from "./options/balance-options.js";
import { HostedPlugin } from "./plugin/hosted-plugin.js";
import { Mounts } from "./routing/mounts.js";
import { createListener } from "./server/listener.js";
import { RequestIds } from "./server/request-ids.js";
import { hostedSettings } from "./test-rig/hosted-settings.js";
import { logRecords } from "./test-rig/log-records.js";
import { memoryInstances, type MemoryRun } from "./test-rig/memory-run.js";

/** A server in front of four instances that are the test's, whose edge keeps what binds to itself. */
async function serverOf(affinity: BalanceOptions["affinity"]) {
  const clock = new ManualClock();
  const runs: MemoryRun[] = [];
  const { logger } = logRecords();
  const balance = balanceSchema.parse({ affinity });
  const makeInstances = memoryInstances(runs, clock, 4);
  const plugin = new HostedPlugin(
    hostedSettings({ balance, clock, logger, makeInstances }),
    () => undefined,
  );
  const started = plugin.start();
  for (const run of runs) {
    run.rise();
  }
  await started;
  const edge = new EdgePolicy({ strip: { headers: ["x-tenant"], cookies: ["route"] } });
  const mounts = new Mounts("/plugins", "");
  mounts.add({ id: "notes", basePath: "", hosts: [] });
  const listener = createListener({
    rules: { mounts, secretParameters: edge.secretParameters },
    edge,
    enabled: true,
    destination: (_id, rawHeaders) => plugin.destination(rawHeaders),
    identity: undefined,
    context: undefined,
    requestIds: new RequestIds(),
    onHostFault: (fault) => expect.unreachable(fault.message),
    onRefused: (_id, error) => expect.unreachable(error.message),
    onBadRequest: (_id, { reason }) => expect.unreachable(reason),
  });
  const server = createServer((request, response) =>
    listener(request, response, undefined, byRequest),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    clock,
    plugin,
    runs,
    get: (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/plugins/notes/`, { headers }),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await plugin.stop(0, going);
    },
  };
}

const going = new ServeHTTPError("unavailable", "it goes");

it.each([
  ["a header", { header: "x-tenant" }, { "x-tenant": "ann" }],
  ["a cookie of the plugin's", { cookie: "route", cookieSetBy: "plugin" }, { cookie: "route=a" }],
  ["the host's cookie", { cookie: "route" }, undefined],
] as const)(
  "keeps what is tried again where %s binds it that the plugin does not see",
  async (_what, affinity, given) => {
    await using server = await serverOf(affinity);
    const { clock, runs } = server;
    const sent = (): number[] => runs.flatMap(({ receivers, pid }) => receivers.map(() => pid));
    const answerLast = (home: MemoryRun): void =>
      void home.receivers.at(-1)?.receive({ init: { status: 200, headers: [] }, end: plainEnd });
    const first = server.get(given ?? {});
    await until(() => sent().length === 1, "the first request is at an instance");
    const home = runs.find(({ receivers }) => receivers.length === 1) as MemoryRun;
    answerLast(home);
    const [cookie = ""] = (await first).headers.getSetCookie();
    const second = server.get(given ?? { cookie: cookie.split(";")[0] ?? "" });
    await until(() => sent().length === 2, "the second request is at an instance");
    expect(sent()).toEqual(Array(2).fill(home.pid));
    home.receivers.at(-1)?.abort(going, [{}]);
    clock.advance(0);
    expect(sent()).toEqual(Array(3).fill(home.pid));
    answerLast(home);
    expect((await second).headers.getSetCookie()).toEqual([]);
    expect(server.plugin.retries).toMatchObject({ "same-instance": 1, "another-instance": 0 });
  },
);
