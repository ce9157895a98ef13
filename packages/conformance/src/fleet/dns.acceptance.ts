import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { DnsServer } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { FleetProcess } from "./fleet-process.js";

/** A host with one plugin, `search`, at a url. */
async function hostOf(stack: AsyncDisposableStack, url: string | readonly string[]) {
  const host = createPluginHost({ logger: false, plugins: { search: { url } } });
  stack.defer(() => host.stop({ drainMs: 0 }));
  await host.start();
  const server = host.attach(createServer()).listen(0, "127.0.0.1");
  stack.defer(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/plugins/search/`);
    expect(response.status).toBe(200);
    return await response.text();
  };
  return {
    host,
    ask,
    /** Which addresses have answered some requests at once. */
    answering: async (): Promise<readonly string[]> => {
      const answers = await Promise.all(Array.from({ length: 16 }, ask));
      return [...new Set(answers)].toSorted();
    },
  };
}

function lastFailure(host: PluginHost): string | undefined {
  return host.plugins[0]?.failures.at(-1)?.message;
}

const all = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"] as const;

it("follows a name whose addresses come and go, and keeps them while DNS does not know them", async () => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(await DnsServer.start("fleet.test"));
  const { port } = stack.use(await FleetProcess.start(all));
  const name = `search.fleet.test:${port}`;
  await dns.set(["search 1 A 127.0.0.2", "search 1 A 127.0.0.3"]);
  const { host, answering, ask } = await hostOf(stack, `dns://${dns.address}/${name}`);
  await expect.poll(answering).toEqual(["127.0.0.2", "127.0.0.3"]);

  await dns.set(["search 1 A 127.0.0.3"]);
  await expect.poll(answering).toEqual(["127.0.0.3"]);

  await dns.set(["search 1 A 127.0.0.3", "search 1 A 127.0.0.4", "search 1 AAAA ::1"]);
  await expect.poll(answering).toEqual(["127.0.0.3", "127.0.0.4", "::1"]);

  await dns.set([]);
  await expect.poll(() => lastFailure(host)).toMatch(/^dns:.*: DNS has no such name \(NXDOMAIN\)$/);
  await expect(answering()).resolves.toEqual(["127.0.0.3", "127.0.0.4", "::1"]);
  await ask();
});

it("follows a service by its priorities, and connects anew to what it has for it", async () => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(await DnsServer.start("fleet.test"));
  const { port } = stack.use(await FleetProcess.start(all));
  await dns.set([
    `_grpc._tcp.search 1 SRV 0 5 ${port} two`,
    `_grpc._tcp.search 1 SRV 0 5 ${port} six`,
    "two 1 A 127.0.0.2",
    "six 1 AAAA ::1",
  ]);
  const url = `srv://${dns.address}/_grpc._tcp.search.fleet.test`;
  const { answering } = await hostOf(stack, url);
  await expect.poll(answering).toEqual(["127.0.0.2", "::1"]);
  await dns.set([`_grpc._tcp.search 1 SRV 0 5 ${port} four`, "four 1 A 127.0.0.4"]);
  await expect.poll(answering).toEqual(["127.0.0.4"]);
});

it.each([
  ["no such name", "dns", [], "DNS has no such name (NXDOMAIN)"],
  ["no address", "dns", ["search 1 TXT x"], "DNS has the name, but no record of this kind for it"],
  ["no service", "srv", ["search 1 A 127.0.0.2"], "DNS has no such name (NXDOMAIN)"],
  [
    "no target",
    "srv",
    ["_grpc._tcp.search 1 SRV 0 0 1 gone"],
    "its target gone.fleet.test: DNS has no such name (NXDOMAIN)",
  ],
])("says that there is %s", async (_what, scheme, records, message) => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(await DnsServer.start("fleet.test"));
  await dns.set(records);
  const name = scheme === "dns" ? "search.fleet.test:1" : "_grpc._tcp.search.fleet.test";
  const url = `${scheme}://${dns.address}/${name}`;
  const { host } = await hostOf(stack, url);
  expect(lastFailure(host)).toBe(`${url}: ${message}`);
});

it("says that no DNS server is there", async () => {
  await using stack = new AsyncDisposableStack();
  const { host } = await hostOf(stack, "dns://127.0.0.1:1/search.fleet.test:1");
  expect(lastFailure(host)).toContain("search.fleet.test:1: no DNS server listens at its address");
});

it("asks the system for a name that DNS need not know", async () => {
  await using stack = new AsyncDisposableStack();
  const { port } = stack.use(await FleetProcess.start(["127.0.0.1"]));
  const { answering } = await hostOf(stack, [`dns:///localhost:${port}`, "http://127.0.0.9:1"]);
  await expect.poll(answering).toEqual(["127.0.0.1"]);
});
