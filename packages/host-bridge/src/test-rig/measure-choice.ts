/**
 * Measures how much processor time it takes to choose the instance that gets an exchange, and to hear
 * how the exchange came out. Ends with 1 where a choice takes more than the host may spend on it.
 */
import { ManualClock, SeededRandom } from "@servehttp/testkit";
import { type BalanceOptions, balanceSchema } from "../options/balance-options.js";
import type { ConnectedPlugin } from "../plugin/connected-plugin.js";
import { HostedPlugin } from "../plugin/hosted-plugin.js";
import { systemClock } from "../process/clock.js";
import { hostedSettings } from "./hosted-settings.js";
import { MemoryExchange, memoryInstances, type MemoryRun } from "./memory-run.js";

/** What a choice among 100 instances may take more than where there is one: 0.3 µs. */
const choiceNsMax = 300;
const choices = 1_000_000;
const rounds = 9;

interface Measured {
  readonly name: string;
  readonly chooses: () => unknown;
}

/** A plugin whose instances have from 0 to 7 exchanges, and have answered before. */
async function fleet(count: number, balance: BalanceOptions): Promise<HostedPlugin> {
  const runs: MemoryRun[] = [];
  const plugin = new HostedPlugin(
    hostedSettings({
      balance: balanceSchema.parse(balance),
      maxInFlight: 1_000_000,
      logger: silent,
      clock: systemClock,
      makeInstances: memoryInstances(runs, new ManualClock(), count),
    }),
    () => undefined,
  );
  const starting = plugin.start();
  for (const run of runs) {
    run.rise();
  }
  await starting;
  const random = new SeededRandom(1);
  plugin.destination([]);
  for (const { connected } of runs) {
    for (let at = 0; at < 7; at += 1) {
      const exchange = new MemoryExchange(connected as ConnectedPlugin);
      exchange.head(200);
      if (random.integer(0, 1) === 0) {
        exchange.end();
      }
    }
  }
  return plugin;
}

/** Processor time of a call in nanoseconds, of several rounds the least disturbed one. */
function nanoseconds(calls: () => unknown): number {
  const before = process.cpuUsage();
  for (let at = 0; at < choices; at += 1) {
    calls();
  }
  const { system, user } = process.cpuUsage(before);
  return ((system + user) * 1_000) / choices;
}

const browser = ["Host", "example.org", "Accept", "*/*", "User-Agent", "Mozilla/5.0"];
const headers = Array.from({ length: 64 }, (_, at) =>
  browser.concat("Cookie", `theme=dark; sid=user-${at}`, "X-User", `user-${at}`),
);
let next = 0;
const someHeaders = (): readonly string[] => headers[(next += 1) & 63] ?? [];

async function all(): Promise<readonly Measured[]> {
  const counts = await Promise.all(
    [1, 2, 10, 100].map(async (count) => {
      const plugin = await fleet(count, {});
      const name = count === 1 ? "1 instance" : `${count} instances`;
      return { name, chooses: () => plugin.destination([]) };
    }),
  );
  const byHeader = await fleet(100, { affinity: { header: "x-user" } });
  const byCookie = await fleet(100, { affinity: { cookie: "sid", cookieSetBy: "plugin" } });
  const told = await fleet(100, {});
  const exchange = { sinceSentMs: 1, awaitedPlugin: true };
  return [
    ...counts,
    {
      name: "100 instances, by a header",
      chooses: () => byHeader.destination(someHeaders()),
    },
    {
      name: "100 instances, by a cookie",
      chooses: () => byCookie.destination(someHeaders()),
    },
    {
      name: "100 instances, and the answer heard",
      chooses: () => {
        const destination = told.destination([]);
        if (destination.kind === "exchange") {
          (destination.plugin as ConnectedPlugin).feedback?.headed(200, exchange);
        }
      },
    },
  ];
}

const silent = {
  debug(): void {},
  info(): void {},
  warn(): void {},
  error(): void {},
};

const say = (line: string): unknown => process.stdout.write(`${line}\n`);

const measured = await all();
const found = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
// In turn, because the machine may be busy with something else for a while.
for (let round = 0; round < rounds; round += 1) {
  for (const { chooses, name } of measured) {
    found.get(name)?.push(nanoseconds(chooses));
  }
}
const median = (name: string): number =>
  found.get(name)?.toSorted((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0;
const base = median("1 instance");
for (const { name } of measured) {
  const ns = median(name);
  say(`${name.padEnd(36)} ${ns.toFixed(0).padStart(5)} ns, ${(ns - base).toFixed(0)} more`);
}
const cost = median("100 instances") - base;
if (cost > choiceNsMax) {
  say(`a choice among 100 instances may take ${choiceNsMax} ns, and takes ${cost}`);
  process.exitCode = 1;
}
