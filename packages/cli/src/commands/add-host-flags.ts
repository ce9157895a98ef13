import { isProxyRange } from "@servehttp/host-bridge/options";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseWorkerCount, workerCountForms } from "../config/worker-count.js";
import { logFormats, logLevels } from "../output/log-settings.js";

/** Adds the options that say which plugins there are. */
export function addPluginFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        "-p, --plugin <id=target>",
        "a plugin, several times: a script, an executable, a quoted command line, unix:/path or a URL",
      )
        .argParser(readPlugin)
        .default([], "none"),
    )
    .option("-c, --config <file>", "the config (default: servehttp.config.{ts,js,mjs,json} here)")
    .option("--prefix <path>", "the path in front of the ids (default: /plugins)");
}

/** Adds the options that say where a host listens. */
export function addListenFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--port <port>", "listen on this port of 127.0.0.1; 0: a free one").argParser(
        readPort,
      ),
    )
    .addOption(
      new Option(
        "-l, --listen <address>",
        "listen on host:port, :port for every address, unix:/path or fd:N; several times",
      )
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([], "127.0.0.1:8080"),
    )
    .option("--tls-cert <file>", "a certificate (PEM): HTTP/2 and HTTP/1.1 over TLS")
    .option("--tls-key <file>", "its key (PEM)")
    .addOption(
      new Option(
        "--proxy-protocol <from>",
        "balancers that send headers of the PROXY protocol: addresses, ranges, unix; several times",
      ).argParser(readProxyRange),
    );
}

/** Adds the options for whoever writes plugins. */
export function addWatchFlags(command: Command): Command {
  return command
    .option(
      "-w, --watch",
      "reload plugins when their files change, and show clients why one is not there",
    )
    .option("--live-reload", "the same, and pages reload by themselves");
}

/** Adds the options of the log. */
export function addLogFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--log <format>", "pretty in a terminal, otherwise json").choices(logFormats),
    )
    .addOption(
      new Option("--log-level <level>", "the least that is logged (default: info)").choices(
        logLevels,
      ),
    )
    .addOption(
      new Option(
        "--access-log [format]",
        "a line for each request: json in the log, or combined on standard output (default: json)",
      ).choices(["json", "combined"]),
    );
}

function readPlugin(
  text: string,
  before: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError("It has the form id=target, such as notes=./notes.js.");
  }
  const id = text.slice(0, at);
  if (before.some(([other]) => other === id)) {
    throw new InvalidArgumentError(`There are two plugins of the id ${id}.`);
  }
  return [...before, [id, text.slice(at + 1)]];
}

function readProxyRange(text: string, before: readonly string[] = []): readonly string[] {
  if (!isProxyRange(text)) {
    throw new InvalidArgumentError('It is an address, a range such as 10.0.0.0/8, or "unix".');
  }
  return [...before, text];
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  }
  return port;
}

/** Adds the options of a host that runs for long. */
export function addServiceFlags(command: Command): Command {
  return command
    .option("--pid-file <file>", "where to write the process id")
    .addOption(
      new Option(
        "--workers <count>",
        'processes that serve connections, or "auto": one a processor (default: 1)',
      ).argParser(readWorkers),
    );
}

function readWorkers(text: string): number {
  const count = parseWorkerCount(text);
  if (count === undefined) {
    throw new InvalidArgumentError(`It is ${workerCountForms}.`);
  }
  return count;
}

/** Adds the options of the admin. */
export function addAdminFlags(command: Command): Command {
  return command
    .option("--admin <address>", "dashboard, API, probes and metrics at host:port or unix:/path")
    .option("--admin-token-file <file>", "a file with the token for it");
}
