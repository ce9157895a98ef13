import type { HostOptions, PluginOptions } from "@servehttp/host-bridge";
import { didYouMean, hostSchema, optionError } from "@servehttp/host-bridge/options";
import { resolve } from "node:path";
import type { z } from "zod";
import { saidWrong } from "../context/command-error.js";
import { readIdentity } from "./read-identity.js";
import { readTarget } from "../target/read-target.js";
import {
  type CommandConfig,
  commandNames,
  commandSchema,
  type Config,
  type TargetPluginOptions,
} from "./config.js";

/** A config, in the parts that different things are made from. */
export interface ConfigParts {
  readonly command: CommandConfig;
  /** The options of `createPluginHost`, which checks them. */
  readonly host: HostOptions;
}

/**
 * Checks what a config says of the command, and makes options of its targets.
 *
 * @param directory relative paths are relative to it
 * @throws CommandError with one line: the option, what was given, what is allowed
 */
export async function readConfig(
  config: Config,
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ConfigParts> {
  checkNames(config);
  const command = Object.fromEntries(
    Object.entries(config).filter(([name]) => commandNames.includes(name)),
  );
  const checked = commandSchema.safeParse(command);
  if (!checked.success) {
    throw saidWrong(optionError(checked.error, [], command).message);
  }
  const { plugins, identity, ...rest } = Object.fromEntries(
    Object.entries(config).filter(([name]) => !commandNames.includes(name)),
  ) as Omit<Config, keyof CommandConfig>;
  return {
    command: checked.data,
    host: {
      ...rest,
      ...(identity !== undefined && { identity: await readIdentity(identity, directory) }),
      ...withPlugins(plugins, directory, environment),
    },
  };
}

const hostNames = Object.keys((hostSchema as unknown as z.ZodObject).shape);

function checkNames(config: object): void {
  const known = [...hostNames, ...commandNames];
  const unknown = Object.keys(config).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = didYouMean(unknown, known);
    throw saidWrong(`${unknown}: no such option${near}; allowed are ${known.join(", ")}`);
  }
}

function withPlugins(
  plugins: Config["plugins"],
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): Pick<HostOptions, "plugins"> {
  if (typeof plugins !== "object" || plugins === null) {
    // The host says what is wrong with it.
    return plugins === undefined ? {} : { plugins };
  }
  const read = Object.entries(plugins).map(([id, plugin]) => [
    id,
    pluginOptions(id, plugin, directory, environment),
  ]);
  return { plugins: Object.fromEntries(read) as Record<string, PluginOptions> };
}

function pluginOptions(
  id: string,
  given: string | PluginOptions | TargetPluginOptions,
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): PluginOptions {
  if (typeof given === "string") {
    return targetOptions(id, given, directory, environment);
  }
  if (typeof given !== "object" || given === null) {
    return given;
  }
  if ("target" in given) {
    const { target, cwd: _, ...own } = given;
    if (typeof target !== "string") {
      throw saidWrong(`plugins.${id}.target: got ${String(target)}, allowed is a string`);
    }
    const from = directoryOf(given, directory);
    return withFiles({ ...own, ...targetOptions(id, target, from, environment) }, directory);
  }
  return "command" in given
    ? { ...given, cwd: directoryOf(given, directory) }
    : withFiles(given, directory);
}

/** The files of TLS, relative to the config. What is no path is for the host to refuse. */
function withFiles(plugin: PluginOptions, directory: string): PluginOptions {
  const { tls } = plugin as { readonly tls?: unknown };
  if (typeof tls !== "object" || tls === null) {
    return plugin;
  }
  const files = Object.entries(tls).map(([name, path]) => [
    name,
    name.endsWith("File") && typeof path === "string" && path !== ""
      ? resolve(directory, path)
      : path,
  ]);
  return { ...plugin, tls: Object.fromEntries(files) };
}

function directoryOf(plugin: object, directory: string): string {
  const { cwd } = plugin as { readonly cwd?: unknown };
  return typeof cwd === "string" ? resolve(directory, cwd) : directory;
}

function targetOptions(
  id: string,
  target: string,
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
): PluginOptions {
  try {
    return readTarget(target, directory, environment);
  } catch (thrown) {
    throw saidWrong(`plugin ${id}: ${(thrown as Error).message}`, thrown);
  }
}
