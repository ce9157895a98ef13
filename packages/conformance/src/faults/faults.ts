import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { descriptors } from "./descriptors.js";
import { kills } from "./kills.js";
import { logOutputs } from "./log-outputs.js";
import { manyPlugins } from "./many-plugins.js";
import { reloads } from "./reloads.js";
import type { Figure, Scenario } from "./scenario.js";
import { stops } from "./stops.js";

/** Does to hosts what must not hurt them, and prints what clients saw. Leaves with code 1 where a figure is missed. */
const scenarios: readonly Scenario[] = [
  kills,
  reloads,
  stops,
  manyPlugins,
  descriptors,
  logOutputs,
];

const usage = `npm run faults -w @servehttp/conformance -- [options]

  --only NAME,...       these alone, of those below (default: all, one after the other)
  --count N             in place of what stands below
  --seed N              repeats what is left to chance (default: 1)
  --carrier mux|stream  how exchanges travel (default: mux)
  --rate N              requests a second of the load (default: 300)
  --help                this

${scenarios.map(({ name, count, counts, about }) => `  ${name.padEnd(13)} ${count} ${counts}: ${about}`).join("\n")}
`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    count: { type: "string" },
    seed: { type: "string", default: "1" },
    carrier: { type: "string", default: "mux" },
    rate: { type: "string", default: "300" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  process.exitCode = (await runAll(chosen(values.only))) ? 0 : 1;
}

function chosen(only: string | undefined): readonly Scenario[] {
  return only === undefined
    ? scenarios
    : only.split(",").map((name) => {
        const found = scenarios.find((scenario) => scenario.name === name);
        if (found === undefined) {
          throw new Error(
            `--only: ${name} is none of ${scenarios.map((one) => one.name).join(", ")}`,
          );
        }
        return found;
      });
}

async function runAll(asked: readonly Scenario[]): Promise<boolean> {
  const carrier = values.carrier;
  if (carrier !== "mux" && carrier !== "stream") {
    throw new Error("--carrier: mux or stream");
  }
  console.log(`${machine()}, seed ${values.seed}, carrier ${carrier}`);
  let isGood = true;
  for (const scenario of asked) {
    const count = wholeNumber("count", values.count ?? String(scenario.count));
    const beganMs = performance.now();
    const figures = await scenario.run({
      count,
      seed: wholeNumber("seed", values.seed),
      carrier,
      rate: wholeNumber("rate", values.rate),
      progress: showProgress,
    });
    showProgress("");
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(0);
    console.log(`\n${scenario.name}: ${count} ${scenario.counts}, ${seconds} s\n`);
    console.log(table(figures));
    isGood &&= figures.every((figure) => figure.isGood);
  }
  console.log(isGood ? "\ngood" : "\nNOT good");
  return isGood;
}

function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, wanted, found, isGood }) => {
    const verdict = wanted === "" ? "" : isGood ? "reached" : "MISSED";
    return `| ${name} | ${wanted} | ${found} | ${verdict} |`;
  });
  return ["| figure | wanted | found |  |", "| --- | --: | --: | --: |", ...rows].join("\n");
}

function machine(): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(1);
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${processors.length} processors, ${gibibytes} GiB, load ${load} at the start`;
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`--${name}: a whole number above 0, not ${text}`);
  }
  return number;
}

/** On a terminal only: one line that is written over. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001B[K${text}`);
  }
}
