import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isFullSize } from "@servehttp/testkit";
import { Http1Client } from "servehttp-conformance/testing";
import { type Received, TunnelConnection } from "./tunnel-connection.js";
import { atRest, expectNoMoreThan, reports } from "./leaks/held-resources.js";
import { seededChunks, seededSha256, sha256 } from "./seeded-bytes.js";
import { settled, until } from "./settled.js";
import { startTunnelTarget, type TunnelTarget } from "./targets/start-tunnel-target.js";
import { targetNames } from "./targets/target-names.js";

const mebibyte = 1_048_576;

const tunnelsAtOnce = 200;
// Many times what all windows and buffers on the way hold.
const tunnelBytes = isFullSize ? mebibyte : 65_536;
const longTunnelBytes = (isFullSize ? 256 : 16) * mebibyte;
const testMsMax = isFullSize ? 600_000 : 60_000;

/**
 * By how much a process may grow while any number of bytes passes. A busy V8 keeps some 50 MiB of
 * garbage.
 */
const growthBytesMax = 64 * mebibyte;

/** How much a process may hold of a tunnel that stands still, after a garbage collection. */
const heldBytesMax = 8 * mebibyte;

/** What nobody reads at first, and the most that all buffers take of it, the kernel's included. */
const unreadBytes = 32 * mebibyte;
const bufferedBytesMax = 24 * mebibyte;

for (const carrier of (["mux", "stream"] as const).filter((name) => targetNames.includes(name))) {
  describe(`tunnels on ${carrier}`, { timeout: testMsMax }, () => {
    let target: TunnelTarget;
    beforeEach(async () => {
      target = await startTunnelTarget(carrier);
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
    });

    it("T7 200 at once carry each its own bytes both ways and leave nothing behind", async () => {
      await runTunnels(target, 20, 65_536);
      const before = await atRest(target);
      const { received, wanted } = await runTunnels(target, tunnelsAtOnce, tunnelBytes);
      expect(received).toEqual(wanted);
      await expectNoMoreThan(target, before);
    });

    it("T7 a long one takes a bounded amount of memory on both sides", async () => {
      await runTunnels(target, 1, 16 * mebibyte);
      const before = await reports(target);
      const { received, wanted } = await runTunnels(target, 1, longTunnelBytes);
      expect(received).toEqual(wanted);
      await expectBoundedGrowth(target, before);
    });

    it("T7 a plugin that does not read stops the client, and nobody else", async () => {
      await runTunnels(target, 1, 16 * mebibyte);
      const before = await reports(target);
      const key = randomUUID();
      using tunnel = await TunnelConnection.open(target.port, pathOf(key, 0, "&held"));
      const sending = tunnel.send(`client ${key}`, unreadBytes);
      expect(await settled(() => tunnel.sentBytes)).toBeLessThan(bufferedBytesMax);
      await expectLittleHeld(target, before);
      const neighbour = await runTunnels(target, 1, mebibyte);
      expect(neighbour.received).toEqual(neighbour.wanted);

      target.observation.open(key, "read");
      const [received] = await Promise.all([tunnel.receive(0), sending]);
      expect(received.rest).toBe(seededSha256(`client ${key}`, unreadBytes));
    });

    it("T7 a client that does not read stops the plugin, and nobody else", async () => {
      await runTunnels(target, 1, 16 * mebibyte);
      const before = await reports(target);
      const key = randomUUID();
      using tunnel = await TunnelConnection.open(target.port, pathOf(key, unreadBytes));
      const sentMebibytes = () => target.observation.seen(key, "sent a MiB").length;
      expect((await settled(sentMebibytes)) * mebibyte).toBeLessThan(bufferedBytesMax);
      await expectLittleHeld(target, before);
      const neighbour = await runTunnels(target, 1, mebibyte);
      expect(neighbour.received).toEqual(neighbour.wanted);

      const [received] = await Promise.all([tunnel.receive(unreadBytes), tunnel.send("", 0)]);
      expect(received.sha256).toBe(seededSha256(`plugin ${key}`, unreadBytes));
    });

    // Node's HTTP/2 does not read while it writes. Both ends once waited for the other to read, for
    // ever. So did the 200 tunnels of the first test, with many small writes.
    it("D1 64 echoes of 1 MiB at once all come back whole", async () => {
      using client = new Http1Client(target.port);
      const echoes = Array.from({ length: 64 }, (_, index) => echo(client, `echo ${index}`));
      const wanted = echoes.map((_, index) => seededSha256(`echo ${index}`, mebibyte));
      expect(await Promise.all(echoes)).toEqual(wanted);
    });
  });
}

/** Opens tunnels, and once all are open sends bytes through each in both directions at once. */
async function runTunnels(
  target: TunnelTarget,
  count: number,
  sizeBytes: number,
): Promise<{ readonly received: readonly Received[]; readonly wanted: readonly Received[] }> {
  using tunnels = new DisposableStack();
  const keys = Array.from({ length: count }, () => randomUUID());
  const open = await Promise.all(
    keys.map(async (key) => ({
      key,
      tunnel: tunnels.use(await TunnelConnection.open(target.port, pathOf(key, sizeBytes))),
    })),
  );
  const plugin = await target.plugin();
  await until(async () => (await plugin.report()).running >= count);
  const received = await Promise.all(
    open.map(async ({ key, tunnel }) => {
      const [one] = await Promise.all([
        tunnel.receive(sizeBytes),
        tunnel.send(`client ${key}`, sizeBytes),
      ]);
      return one;
    }),
  );
  const wanted = keys.map((key) => ({
    sha256: seededSha256(`plugin ${key}`, sizeBytes),
    rest: seededSha256(`client ${key}`, sizeBytes),
  }));
  return { received, wanted };
}

function pathOf(key: string, sizeBytes: number, more = ""): string {
  return `/plugins/tunnels/tunnel/${key}?bytes=${sizeBytes}${more}`;
}

/** Compares the resident set at rest with the highest since. */
async function expectBoundedGrowth(
  target: TunnelTarget,
  before: Awaited<ReturnType<typeof reports>>,
): Promise<void> {
  const after = await reports(target);
  const grewBytes = after.map((one, at) => one.rssMaxBytes - (before[at]?.rssBytes ?? 0));
  expect(Math.max(...grewBytes)).toBeLessThan(growthBytesMax);
}

/** Compares the memory in use now with what was in use before. */
async function expectLittleHeld(
  target: TunnelTarget,
  before: Awaited<ReturnType<typeof reports>>,
): Promise<void> {
  const [earlier, now] = [before, await reports(target)].map((both) =>
    both.map((one) => one.heapBytes + one.buffersBytes),
  );
  const heldBytes = now?.map((bytes, at) => bytes - (earlier?.[at] ?? 0)) ?? [];
  expect(Math.max(...heldBytes)).toBeLessThan(heldBytesMax);
}

/** Writes a body while it reads the echo, and returns the echo's hash. */
async function echo(client: Http1Client, seed: string): Promise<string> {
  const open = client.open({ path: "/plugins/tunnels/echo", body: "stream" });
  const write = async () => {
    for (const chunk of seededChunks(seed, mebibyte)) {
      await open.write(chunk);
    }
    open.end();
  };
  const [body] = await Promise.all([open.rest(), write()]);
  return sha256(body);
}
