import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { CheckInfo } from "./checks/check.js";
import { coreChecks } from "./checks/core.js";
import { checks } from "./checks/index.js";
import { hostChecks } from "./host-checks/index.js";
import { NotReady } from "./plugin/plugin-under-test.js";
import { junitOf } from "./report/junit.js";
import type { Report } from "./report/result.js";
import { summary, tableLine } from "./report/table.js";
import { chosenChecks, type RunOptions } from "./run-checks.js";
import { rows } from "./rows.js";
import { runHostKit } from "./run-host-kit.js";
import { runKit } from "./run-kit.js";
import { UsageError } from "./usage-error.js";
import type { CarrierName } from "./wire/host.js";

const help = `servehttp-conformance: checks that a plugin, or a host, does what the other relies on

  servehttp-conformance --plugin COMMAND|unix:/path|http://host:port [options]
  servehttp-conformance --host URL [options]

A plugin has to serve the routes of docs/porting.md, "The routes of the kit". To a host the kit
serves a plugin itself.

  --plugin PLUGIN          a command that starts it, in quotes, or where it listens
  --token TOKEN            what a plugin at an address wants to be shown; what the host has to show
  --core                   a plugin without those routes, which echoes: docs/porting.md, "The core"
  --carrier CARRIER        stream or mux (default: what the plugin offers; of a host, both)
  --only ID[,ID]           only these rows (Q7) or checks (Q7.reset)
  --known-failures FILE    checks that must fail: a line each, with the check and the reason
  --seed SEED              repeats everything random of a run
  --timeout SECONDS        for each check (default: 20)
  --junit FILE             writes JUnit's XML
  --json FILE              writes the results as JSON
  --list                   lists the checks of plugins; with --host those of hosts
  --rows                   lists the rows of the behaviour tables, each with its checks, or why it has none
  -h, --help               prints this

Of hosts:

  --host URL               where clients find the kit's plugin: http://127.0.0.1:8080/plugins/kit
  --serve ADDRESS          where the kit serves it: unix:/path or 127.0.0.1:PORT (default: a free port)
  --host-command COMMAND   starts the host; {plugin} is the plugin's address, {port} a free port
  --http2                  the kit's client speaks HTTP/2 (default: HTTP/1.1)
  --identity FIELD         a header field that the host alone sets
  --head-time SECONDS      the host's time for a head, to be checked
  --idle-time SECONDS      the host's time for silence in a response, to be checked
  --wait SECONDS           for the host to serve the plugin (default: 30)

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
    const ofPlugins = values.core === true ? coreChecks : checks;
    const listed: readonly CheckInfo[] = values.host === undefined ? ofPlugins : hostChecks;
    for (const { id, carriers = ["stream", "mux"], text } of chosenChecks(listed, only)) {
      output.out(`${id.padEnd(20)}  ${carriers.join(", ").padEnd(11)}  ${text}\n`);
    }
    return 0;
  }
  if (values.rows === true) {
    const isOfHosts = values.host !== undefined;
    for (const { id, about, notOfHosts, notOfPlugins } of rows) {
      const having = checksOf(id, isOfHosts ? hostChecks : checks);
      const reason = (isOfHosts ? notOfHosts : notOfPlugins) ?? having.join(" ");
      output.out(
        `${id.padEnd(4)}  ${about.padEnd(36)}  ${having.length === 0 ? "-  " : ""}${reason}\n`,
      );
    }
    return 0;
  }
  const options: RunOptions = {
    carriers: carriersOf(values.carrier),
    only,
    seed: values.seed,
    timeoutSeconds: secondsOf("timeout", values.timeout),
    ...(values["known-failures"] !== undefined && {
      knownFailures: textOf(values["known-failures"]),
      knownFailuresFile: values["known-failures"],
    }),
    onResult: (result) => output.out(`${tableLine(result)}\n`),
  };
  const report = await reportOf(values, options, output);
  output.out(`\n${summary(report)}\n`);
  if (values.junit !== undefined) {
    write(values.junit, junitOf(report));
  }
  if (values.json !== undefined) {
    write(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return report.asExpected ? 0 : 1;
}

function reportOf(values: Values, options: RunOptions, output: Output): Promise<Report> {
  const { host, plugin, token } = values;
  if (host === undefined) {
    const ofHosts = hostOptions.find((name) => values[name] !== undefined);
    if (ofHosts !== undefined) {
      throw new UsageError(`--${ofHosts} is for hosts: say --host URL as well`);
    }
    return runKit({ ...options, plugin: pluginOf(plugin), token, core: values.core });
  }
  if (values.core !== undefined) {
    throw new UsageError("--core is for plugins: say --plugin in place of --host");
  }
  if (plugin !== undefined) {
    throw new UsageError("--plugin or --host, not both: a run checks one of them");
  }
  return runHostKit({
    ...options,
    host,
    token,
    serve: values.serve,
    hostCommand: values["host-command"],
    http2: values.http2,
    identity: values.identity,
    headSeconds: secondsOf("head-time", values["head-time"]),
    idleSeconds: secondsOf("idle-time", values["idle-time"]),
    waitSeconds: secondsOf("wait", values.wait),
    onServing: (address) => output.out(`the kit's plugin is at ${address}\n`),
  });
}

/** The ids of the checks of a row. */
function checksOf(row: string, all: readonly CheckInfo[]): readonly string[] {
  return all.map(({ id }) => id).filter((id) => id.startsWith(`${row}.`));
}

type Values = ReturnType<typeof parsed>;

/** Those that mean something only with `--host`. */
const hostOptions = [
  "serve",
  "host-command",
  "http2",
  "identity",
  "head-time",
  "idle-time",
  "wait",
] as const satisfies readonly (keyof Values)[];

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        plugin: { type: "string" },
        core: { type: "boolean" },
        host: { type: "string" },
        serve: { type: "string" },
        "host-command": { type: "string" },
        http2: { type: "boolean" },
        identity: { type: "string" },
        "head-time": { type: "string" },
        "idle-time": { type: "string" },
        wait: { type: "string" },
        token: { type: "string" },
        carrier: { type: "string" },
        only: { type: "string", multiple: true },
        "known-failures": { type: "string" },
        seed: { type: "string" },
        timeout: { type: "string" },
        junit: { type: "string" },
        json: { type: "string" },
        list: { type: "boolean" },
        rows: { type: "boolean" },
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
    throw new UsageError(
      "say which plugin, --plugin COMMAND, unix:/path or http://host:port, or which host, --host URL",
    );
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

function secondsOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3_600)) {
    throw new UsageError(`--${option} ${text}: it is a number of seconds, up to 3600`);
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
