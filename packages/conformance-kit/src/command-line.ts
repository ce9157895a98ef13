import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { NotReady } from "./plugin/plugin-under-test.js";
import { junitOf } from "./report/junit.js";
import { summary, tableLine } from "./report/table.js";
import { chosenChecks, runKit } from "./run-kit.js";
import { UsageError } from "./usage-error.js";
import type { CarrierName } from "./wire/host.js";

const help = `servehttp-conformance: checks that a plugin does what its host relies on

  servehttp-conformance --plugin COMMAND|unix:/path|http://host:port [options]

The plugin has to serve the routes of docs/porting.md, "The routes of the kit".

  --plugin PLUGIN          a command that starts it, in quotes, or where it listens
  --token TOKEN            what a plugin at an address wants to be shown
  --carrier CARRIER        stream or mux (default: what the plugin offers)
  --only ID[,ID]           only these rows (Q7) or checks (Q7.reset)
  --known-failures FILE    checks that must fail: a line each, with the check and the reason
  --seed SEED              repeats everything random of a run
  --timeout SECONDS        for each check (default: 20)
  --junit FILE             writes JUnit's XML
  --json FILE              writes the results as JSON
  --list                   lists the checks
  -h, --help               prints this

Exit code: 0 where all is as expected, 1 where it is not, 2 where the arguments can't be right.
`;

/** Where the command writes. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/** Runs `servehttp-conformance`. Returns its exit code. */
export async function runCommandLine(args: readonly string[], output: Output): Promise<number> {
  try {
    return await run(args, output);
  } catch (error) {
    if (error instanceof UsageError || error instanceof NotReady) {
      output.error(`servehttp-conformance: ${error.message}\n`);
      return error instanceof UsageError ? 2 : 1;
    }
    throw error;
  }
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const values = parsed(args);
  if (values.help === true) {
    output.out(help);
    return 0;
  }
  const only = values.only?.flatMap((one) => one.split(","));
  if (values.list === true) {
    for (const { id, carriers = ["stream", "mux"], text } of chosenChecks(only)) {
      output.out(`${id.padEnd(20)}  ${carriers.join(", ").padEnd(11)}  ${text}\n`);
    }
    return 0;
  }
  const report = await runKit({
    plugin: pluginOf(values.plugin),
    token: values.token,
    carriers: carriersOf(values.carrier),
    only,
    seed: values.seed,
    timeoutSeconds: secondsOf(values.timeout),
    ...(values["known-failures"] !== undefined && {
      knownFailures: textOf(values["known-failures"]),
      knownFailuresFile: values["known-failures"],
    }),
    onResult: (result) => output.out(`${tableLine(result)}\n`),
  });
  output.out(`\n${summary(report)}\n`);
  if (values.junit !== undefined) {
    write(values.junit, junitOf(report));
  }
  if (values.json !== undefined) {
    write(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return report.asExpected ? 0 : 1;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        plugin: { type: "string" },
        token: { type: "string" },
        carrier: { type: "string" },
        only: { type: "string", multiple: true },
        "known-failures": { type: "string" },
        seed: { type: "string" },
        timeout: { type: "string" },
        junit: { type: "string" },
        json: { type: "string" },
        list: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${text.replaceAll(/\s*\n\s*/g, " ")}; --help lists the options`);
  }
}

function pluginOf(plugin: string | undefined): string {
  if (plugin === undefined || plugin.trim() === "") {
    throw new UsageError("say which plugin: --plugin COMMAND, unix:/path or http://host:port");
  }
  const isAddress = /^https?:\/\//.test(plugin);
  if (plugin === "unix:" || (isAddress && !URL.canParse(plugin))) {
    throw new UsageError(`--plugin ${plugin} is no address: write unix:/path or http://host:port`);
  }
  if (!isAddress && /^[a-z]+:\/\//i.test(plugin)) {
    throw new UsageError(`--plugin ${plugin}: an address begins with unix:, http:// or https://`);
  }
  return plugin;
}

function carriersOf(carrier: string | undefined): readonly CarrierName[] | undefined {
  if (carrier === undefined || carrier === "stream" || carrier === "mux") {
    return carrier === undefined ? undefined : [carrier];
  }
  throw new UsageError(`--carrier ${carrier}: it is stream or mux`);
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3_600)) {
    throw new UsageError(`--timeout ${text}: it is a number of seconds, up to 3600`);
  }
  return seconds;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`--known-failures ${file} can't be read: ${String(error)}`);
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${file} can't be written: ${String(error)}`);
  }
}
