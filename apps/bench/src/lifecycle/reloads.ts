import { setMaxListeners } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { LifecycleHost } from "./lifecycle-host.js";
import { LifecycleLoad } from "./lifecycle-load.js";
import type { LifecycleResult } from "./lifecycle-result.js";

const perSecond = 100;
const streamCount = 10;
const tunnelCount = 10;
const id = "p0";

/** What became of long transfers. */
interface LongCounts {
  /** Event streams that were opened, the first time and again after a reload ended them. */
  streams: number;
  /** Those that were answered with anything but 200. */
  refused: number;
  tunnels: number;
  /** Tunnels that the plugin closed with the code 1012. */
  told: number;
}

/** Reloads a plugin under load, with event streams and tunnels open: no request fails. */
export async function reloads(count: number, seed: number): Promise<LifecycleResult> {
  await using host = await LifecycleHost.listen(1, { timeouts: { drainMs: 2_000 } });
  await host.host.start();
  const long: LongCounts = { streams: 0, refused: 0, tunnels: 0, told: 0 };
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const streams = Array.from({ length: streamCount }, () =>
    keepStream(host.port, long, over.signal),
  );
  const tunnels = Array.from({ length: tunnelCount }, () =>
    keepTunnel(host.port, long, over.signal),
  );
  const load = new LifecycleLoad(host.port, host.ids, perSecond, seed);
  {
    await using _ = load;
    for (let reload = 0; reload < count; reload += 1) {
      await host.host.reload(id);
    }
  }
  over.abort();
  await Promise.all([...streams, ...tunnels]);
  const { whole, ...others } = load.counts;
  const failed = Object.values(others).reduce((sum, one) => sum + one, 0);
  const how = failed === 0 ? "" : ` (${JSON.stringify(others)})`;
  return {
    isRight: failed + long.refused === 0 && long.told > 0,
    text: `${count} reloads at ${perSecond} requests/s: ${whole} whole, ${failed} failed${how}; ${long.streams} event streams opened, ${long.refused} refused; ${long.tunnels} tunnels opened, ${long.told} closed with 1012`,
  };
}

/** Opens a stream of events again whenever it ends, as an EventSource does. */
async function keepStream(port: number, counts: LongCounts, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await new Promise<void>((resolve) => {
      const request = get({ port, path: `/plugins/${id}/events`, agent: false }, (response) => {
        counts.streams += 1;
        counts.refused += response.statusCode === 200 ? 0 : 1;
        response.resume().on("error", () => undefined);
      });
      request.on("error", () => undefined);
      request.on("close", resolve);
      over.addEventListener("abort", () => request.destroy(), { once: true });
    });
  }
}

/** Opens a tunnel again whenever it closes. */
async function keepTunnel(port: number, counts: LongCounts, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      let received = "";
      socket.write(
        `GET /plugins/${id}/tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        counts.tunnels += received.startsWith("HTTP/1.1 101") ? 1 : 0;
        counts.told += received.endsWith("\x88\x02\x03\xf4") ? 1 : 0;
        resolve();
      });
      over.addEventListener("abort", () => socket.destroy(), { once: true });
    });
    await delay(1);
  }
}
