import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import {
  earlyAnswer,
  echo,
  eventStream,
  type ExchangeOutcome,
  leavingClients,
  slowResponse,
  smallRequest,
  stalledUpload,
  type TrafficClient,
} from "./exchanges.js";
import type { RunningHost } from "./running-host.js";
import { SeededRandom } from "@servehttp/testkit";
import type { Tally } from "./tally.js";

interface Kind {
  readonly name: string;
  /** Exchanges of this kind that run at once, at each plugin. */
  readonly atOnce: number;
  /** The longest pause between an exchange and the next. */
  readonly pauseMs: number;
  readonly exchange: (client: TrafficClient) => Promise<ExchangeOutcome>;
}

export interface TrafficOptions {
  readonly host: RunningHost;
  readonly tally: Tally;
  readonly seed: number;
  /** Event streams that are open at once, over all plugins. */
  readonly eventStreams: number;
  /** Aborts when the run is over. */
  readonly over: AbortSignal;
}

/** Sends requests of every kind to every plugin until the run is over. Resolves when none is left. */
export async function runTraffic(options: TrafficOptions): Promise<void> {
  const { host, seed } = options;
  const kinds: readonly Kind[] = [
    { name: "small request", atOnce: 8, pauseMs: 50, exchange: smallRequest },
    { name: "echo", atOnce: 3, pauseMs: 100, exchange: echo },
    { name: "slow response", atOnce: 4, pauseMs: 500, exchange: slowResponse },
    { name: "early answer", atOnce: 1, pauseMs: 500, exchange: earlyAnswer },
    { name: "stalled upload", atOnce: 10, pauseMs: 1_000, exchange: stalledUpload },
    { name: "burst of leaving clients", atOnce: 1, pauseMs: 20_000, exchange: leavingClients },
    {
      name: "event stream",
      atOnce: Math.ceil(options.eventStreams / host.plugins.length),
      pauseMs: 10_000,
      exchange: eventStream,
    },
  ];
  const bytes = new SeededRandom(seed).bytes(2 << 20);
  const agent = new Agent({ keepAlive: true });
  let number = 0;
  const running = host.plugins.flatMap((plugin) =>
    kinds.flatMap((kind) =>
      Array.from({ length: kind.atOnce }, () => {
        number += 1;
        const random = new SeededRandom(seed * 100_003 + number);
        return keepOn(kind, { host, plugin, random, bytes, agent, over: options.over }, options);
      }),
    ),
  );
  await Promise.all(running);
  agent.destroy();
}

async function keepOn(kind: Kind, client: TrafficClient, { tally }: TrafficOptions): Promise<void> {
  const { random, plugin, over } = client;
  while (!over.aborted) {
    await delay(random.integer(0, kind.pauseMs), undefined, { signal: over }).catch(() => {});
    if (over.aborted) {
      return;
    }
    const beganMs = performance.now();
    try {
      if ((await kind.exchange(client)) === "right") {
        tally.right(kind.name, performance.now() - beganMs);
      } else {
        tally.left(kind.name);
      }
    } catch (error) {
      tally.failed(kind.name, plugin, beganMs, error);
    }
  }
}
