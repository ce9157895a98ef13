import { parseArgs } from "node:util";
import { checks } from "./checks.js";
import { knownDifference } from "./known-differences.js";
import { proxies } from "./known-proxies.js";
import { type ProxyResult, runProxy } from "./run-proxy.js";
import { isGoodResult, resultTable } from "./result-table.js";

/** Runs the configurations of docs/behind-a-proxy.md, and prints what clients saw behind them. */
const usage = `npm run proxies -w @servehttp/conformance -- [options]

  --only NAME,...  these alone (default: ${proxies.map(({ name }) => `"${name}"`).join(", ")})
  --help           this

Leaves with code 1 where a proxy does otherwise than the page says, and with 0 where it can't be had.
`;

const { values } = parseArgs({
  options: { only: { type: "string" }, help: { type: "boolean", default: false } },
});

if (values.help) {
  console.log(usage);
} else {
  process.exitCode = (await runAll()) ? 0 : 1;
}

async function runAll(): Promise<boolean> {
  const asked = values.only?.split(",").map((name) => name.trim().toLowerCase());
  const results: ProxyResult[] = [];
  let isGood = true;
  for (const proxy of proxies) {
    const isAsked = asked?.some(
      (name) => proxy.section.toLowerCase() === name || proxy.name.toLowerCase() === name,
    );
    if (isAsked === false) {
      continue;
    }
    // oxlint-disable-next-line no-await-in-loop -- one proxy after the other
    const fetched = await proxy.fetch().catch(messageOf);
    if (typeof fetched === "string") {
      console.log(`skipped ${proxy.name}, which can't be had: ${fetched}`);
      continue;
    }
    // oxlint-disable-next-line no-await-in-loop
    const result = await runProxy(proxy, fetched, (check, found) => {
      const isExpected = isAsSaid(proxy.name, check, found);
      isGood &&= isExpected;
      console.log(`${isExpected ? "  as said " : "OTHERWISE "} ${proxy.name}: ${check}: ${found}`);
    }).catch(messageOf);
    if (typeof result === "string") {
      isGood = false;
      console.log(`FAILED ${proxy.name}: ${result}`);
    } else {
      results.push(result);
    }
  }
  if (results.length > 0) {
    console.log(`\n${resultTable(results, checks)}`);
  }
  console.log(isGood ? "\ngood" : "\nNOT good");
  return isGood;
}

/** Whether a check saw what the page says. */
function isAsSaid(proxy: string, check: string, found: string): boolean {
  return knownDifference(proxy, check)?.found.test(found) ?? isGoodResult(found);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
