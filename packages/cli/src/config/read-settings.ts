import type { HostOptions } from "@servehttp/host-bridge";
import { basename, dirname, resolve } from "node:path";
import type { CommandContext } from "../context/command-context.js";
import { CommandError, saidWrong } from "../context/command-error.js";
import { readTarget } from "../target/read-target.js";
import type { CommandConfig } from "./config.js";
import { discoverServices } from "./discover-services.js";
import { findConfig } from "./find-config.js";
import type { HostFlags } from "./host-flags.js";
import { loadConfig } from "./load-config.js";
import { readAccessLog } from "./read-access-log.js";
import { readAdmin } from "./read-admin.js";
import { type ConfigParts, readConfig } from "./read-config.js";
import { readListeners } from "./read-listeners.js";
import type { Settings } from "./settings.js";
import { parseWorkerCount } from "./worker-count.js";

/**
 * Puts the command line and the config together. The command line wins.
 *
 * @throws CommandError with exit code 2 for what can't be right
 */
export async function readSettings(flags: HostFlags, context: CommandContext): Promise<Settings> {
  const file = findConfig(flags.config, context.cwd);
  const config = file === undefined ? none : await readFile(file, context);
  const { command } = config;
  const directory = file === undefined ? context.cwd : dirname(file);
  const log = {
    format: flags.log ?? command.log,
    level: flags.logLevel ?? command.logLevel ?? "info",
  };
  const accessLog = readAccessLog(config.host.accessLog, flags.accessLog, {
    directory,
    log,
    hasLogger: config.host.logger !== undefined,
    context,
  });
  const host = { ...config.host, ...(accessLog !== undefined && { accessLog }) };
  const listen = readListeners(command, directory, flags, context);
  const withPlugins = await discoverServices(withFlags(host, flags, context), directory);
  return {
    file,
    app: command.app,
    watch: isWatching(command, flags),
    host: withDevelopment(withPlugins, command, flags),
    listen,
    admin: readAdmin(command, directory, flags, context, { listen, plugins: withPlugins.plugins }),
    lameDuckMs: command.lameDuckMs ?? 0,
    workers: flags.workers ?? parseWorkerCount(command.workers) ?? 1,
    pidFile:
      flags.pidFile === undefined
        ? command.pidFile && resolve(directory, command.pidFile)
        : resolve(context.cwd, flags.pidFile),
    log,
  };
}

const none: ConfigParts = { command: {}, host: {} };

async function readFile(file: string, { environment }: CommandContext): Promise<ConfigParts> {
  const config = await loadConfig(file, environment);
  try {
    return await readConfig(config, dirname(file), environment);
  } catch (thrown) {
    throw thrown instanceof CommandError
      ? new CommandError(thrown.exitCode, `${basename(file)}: ${thrown.message}`)
      : thrown;
  }
}

function isWatching({ watch = false }: CommandConfig, flags: HostFlags): boolean {
  return flags.watch === true || flags.liveReload === true || watch !== false;
}

/** Whoever watches sees why a plugin is not there. What the config says of it counts all the same. */
function withDevelopment(host: HostOptions, command: CommandConfig, flags: HostFlags): HostOptions {
  if (!isWatching(command, flags)) {
    return host;
  }
  const { watch } = command;
  const liveReload =
    flags.liveReload === true || (typeof watch === "object" && watch.liveReload === true);
  return { ...host, development: { failurePages: true, liveReload, ...host.development } };
}

function withFlags(
  host: HostOptions,
  flags: HostFlags,
  { cwd, environment }: CommandContext,
): HostOptions {
  const plugins = { ...host.plugins };
  for (const [id, target] of flags.plugin) {
    if (Object.hasOwn(plugins, id)) {
      throw saidWrong(`--plugin ${id}: the config has a plugin of this id`);
    }
    try {
      plugins[id] = readTarget(target, cwd, environment);
    } catch (thrown) {
      throw saidWrong(`--plugin ${id}: ${(thrown as Error).message}`, thrown);
    }
  }
  return { ...host, plugins, ...(flags.prefix !== undefined && { prefix: flags.prefix }) };
}
