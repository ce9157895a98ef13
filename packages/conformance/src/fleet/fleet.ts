import { openSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { HostOptions } from "@servehttp/host-bridge";
import { DnsServer, SeededRandom, TemporaryDirectory } from "@servehttp/testkit";
import { RunningHost } from "../faults/running-host.js";
import { SteadyLoad } from "../faults/steady-load.js";
import { ChangingFleet } from "./changing-fleet.js";
import { fleetFigures } from "./fleet-figures.js";

/**
 * Has instances of a plugin come, go, die and hang under load, and says which requests failed and how long they took. Leaves
 * with code 1 where a figure is missed.
 */
const { values: options } = parseArgs({
  options: {
    by: { type: "string", default: "dns" },
    seconds: { type: "string", default: "600" },
    calm: { type: "string", default: "60" },
    rate: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    carrier: { type: "string", default: "mux" },
    log: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const usage = `npm run fleet -w @servehttp/conformance -- [options]

  --by dns|discover     how the host learns of instances (default: dns, a real server whose zone changes)
  --seconds N           how long things happen (default: 600)
  --calm N              how long nothing does before that, in seconds (default: 60)
  --rate N              requests a second (default: 300)
  --seed N              repeats what is left to chance (default: 1)
  --carrier mux|stream  how exchanges travel (default: mux)
  --log FILE            where the host's log goes (default: it is removed)
  --help                this
`;

/** Instances, most of the time. */
const size = 6;
const sizeMin = 4;
const sizeMax = 8;
/** What the fleet shrinks to, and grows to, once each. */
const smallest = 1;
const largest = 20;
/** Between two events, in milliseconds. */
const pauseMs = { min: 1_000, max: 5_000 };
const warmUpMs = 5_000;

if (options.help) {
  console.log(usage);
} else {
  process.exitCode = (await run()) ? 0 : 1;
}

async function run(): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await TemporaryDirectory.make());
  const random = new SeededRandom(Number(options.seed));
  const dns = options.by === "dns" ? stack.use(await DnsServer.start("fleet.test")) : undefined;
  let host: RunningHost | undefined;
  const fleet = stack.use(
    new ChangingFleet({
      random,
      publish: async (instances) => {
        if (dns !== undefined) {
          const listed = instances.filter(({ terminating }) => !terminating);
          await dns.set(listed.map(({ address }) => `search 1 A ${address}`));
        } else {
          const addresses = instances.map(({ address, terminating }) => ({
            url: `http://${address}:${fleet.port}`,
            terminating,
          }));
          await host?.tell({ name: "addresses", addresses });
        }
      },
    }),
  );
  await fleet.resize(size);
  const where =
    dns === undefined
      ? { discover: "told" }
      : { url: `dns://${dns.address}/search.fleet.test:${fleet.port}` };
  const { carrier } = options;
  const settings = { plugins: { search: { ...where, carrier } } } as unknown as HostOptions;
  const logFile = options.log ?? directory.at("log");
  const output = openSync(logFile, "w");
  host = stack.use(await RunningHost.spawn(settings, { outputs: [output, output] }));
  const starting = host.tell({ name: "start" });
  // Tells the addresses to a host that came after them.
  await fleet.add();
  await fleet.drain();
  await starting;
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)} at the start; by ${options.by}, ${options.seconds} s, ${options.rate} requests/s, seed ${options.seed}, carrier ${carrier}\n`,
  );
  const load = new SteadyLoad(host, ["search"], random, Number(options.rate));
  load.start();
  await delay(warmUpMs);
  fleet.events.length = 0;
  load.results.length = 0;
  await delay(Number(options.calm) * 1_000);
  const calmUntilMs = performance.now();
  await change(fleet, new SeededRandom(Number(options.seed) + 1), Number(options.seconds) * 1_000);
  await load.stop();
  const { results, leftOut } = load;
  const log = readFileSync(logFile, "utf8");
  const figures = fleetFigures({ results, leftOut, fleet, log, calmUntilMs });
  for (const { name, wanted, found, isGood } of figures) {
    const verdict = wanted === "" ? "" : isGood ? "reached" : "MISSED";
    console.log(`| ${name} | ${wanted} | ${found} | ${verdict} |`);
  }
  const [plugin] = await host.tell({ name: "plugins" });
  console.log(
    `\nthe host: ${plugin?.state}, ${plugin?.inFlight} in flight, ${plugin?.waiting} waiting`,
  );
  return figures.every(({ isGood }) => isGood) && plugin?.inFlight === 0;
}

/** Does one thing after the other, and shrinks and grows the fleet once. */
async function change(fleet: ChangingFleet, random: SeededRandom, ms: number): Promise<void> {
  const beganMs = performance.now();
  const sizes = [
    { atMs: beganMs + ms / 3, to: [smallest, size] },
    { atMs: beganMs + (2 * ms) / 3, to: [largest, size] },
  ];
  while (performance.now() < beganMs + ms) {
    const [next] = sizes;
    if (next !== undefined && performance.now() >= next.atMs) {
      sizes.shift();
      for (const to of next.to) {
        await fleet.resize(to);
        await delay(pauseMs.max);
      }
    }
    const things = [
      ...(fleet.size < sizeMax ? (["add"] as const) : []),
      ...(fleet.size > sizeMin ? (["drain", "kill"] as const) : []),
      "block" as const,
    ];
    await fleet[random.pick(things)]();
    await delay(random.integer(pauseMs.min, pauseMs.max));
  }
}
