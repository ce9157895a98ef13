import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";
import { drainMsDefault } from "../limits.js";
import { parseListenAddress } from "./listen-address.js";
import {
  checkTls,
  type PluginTlsOptions,
  tlsOfEnvironment,
  type TlsVariables,
} from "./plugin-tls-options.js";

/** What the options, the environment and the command line of a plugin say. */
export interface PluginSettings {
  readonly address: ListenAddress;
  readonly token: string | undefined;
  readonly id: string | undefined;
  readonly drainMs: number;
  /** Undefined: it serves no TLS. */
  readonly tls: PluginTlsOptions | undefined;
  /** How it calls other plugins; undefined where its host has told it no way. */
  readonly calls: { readonly address: ListenAddress; readonly token: string } | undefined;
}

/** What a host tells a plugin that it starts, and whoever else starts one. */
export interface HostVariables extends TlsVariables {
  readonly SERVEHTTP_ADDRESS?: string | undefined;
  readonly SERVEHTTP_TOKEN?: string | undefined;
  readonly SERVEHTTP_PLUGIN_ID?: string | undefined;
  /** The descriptor of the pipe whose end is the end of the host. */
  readonly SERVEHTTP_HOST_FD?: string | undefined;
  /** Where its host takes calls to other plugins. */
  readonly SERVEHTTP_CALLS_ADDRESS?: string | undefined;
  /** What shows the host which plugin calls. */
  readonly SERVEHTTP_CALLS_TOKEN?: string | undefined;
}

/**
 * Reads the variables of a host and removes them from the environment: programs that the plugin
 * starts inherit that, and must have neither the token nor the address.
 */
export function takeHostVariables(environment: Record<string, string | undefined>): HostVariables {
  const variables: Record<string, string | undefined> = {};
  for (const name of hostVariableNames) {
    variables[name] = environment[name];
    delete environment[name];
  }
  return variables;
}

const hostVariableNames = [
  "SERVEHTTP_ADDRESS",
  "SERVEHTTP_TOKEN",
  "SERVEHTTP_PLUGIN_ID",
  "SERVEHTTP_HOST_FD",
  "SERVEHTTP_CALLS_ADDRESS",
  "SERVEHTTP_CALLS_TOKEN",
  "SERVEHTTP_TLS_CERT_FILE",
  "SERVEHTTP_TLS_KEY_FILE",
  "SERVEHTTP_TLS_CA_FILE",
  "SERVEHTTP_TLS_SUBJECT_ALT_NAMES",
] as const satisfies readonly (keyof HostVariables)[];

/** Those that are options of `servePlugin`. They win over the environment. */
export interface SettingOptions {
  readonly address?: string;
  readonly token?: string;
  readonly id?: string;
  readonly drainMs?: number;
  readonly tls?: PluginTlsOptions;
}

/**
 * Puts options, environment and command line together. The environment wins over the command line,
 * because a host that starts a plugin chooses where it listens. An empty variable counts as one
 * that is not set, except for the token and TLS.
 *
 * @throws ServeHTTPError `invalid-argument`, in one line; where there is no address at all, the
 *   line says how to give one
 */
export function readPluginSettings(
  options: SettingOptions,
  variables: HostVariables,
  commandLine: readonly string[],
): PluginSettings {
  const address = parseListenAddress(
    options.address ??
      (variables.SERVEHTTP_ADDRESS || undefined) ??
      addressOfCommandLine(commandLine),
  );
  return {
    address,
    token: checkedToken(options.token ?? variables.SERVEHTTP_TOKEN),
    id: options.id ?? (variables.SERVEHTTP_PLUGIN_ID || undefined),
    drainMs: checkedDrainMs(options.drainMs ?? drainMsDefault),
    tls: tlsOf(options.tls, address, variables),
    calls: callsOf(variables),
  };
}

/** Of the environment only for ports: a socket's file is guarded by its permissions. */
function tlsOf(
  option: PluginTlsOptions | undefined,
  address: ListenAddress,
  variables: HostVariables,
): PluginTlsOptions | undefined {
  const tls = option ?? ("port" in address ? tlsOfEnvironment(variables) : undefined);
  if (tls !== undefined) {
    checkTls(tls);
  }
  return tls;
}

function callsOf(variables: HostVariables): PluginSettings["calls"] {
  const { SERVEHTTP_CALLS_ADDRESS: address, SERVEHTTP_CALLS_TOKEN: token } = variables;
  return address && token ? { address: parseListenAddress(address), token } : undefined;
}

/** What follows `--listen`, as the next argument or behind `=`. */
function addressOfCommandLine([, script = "plugin.js", ...given]: readonly string[]): string {
  const at = given.findIndex((argument) => /^--listen(?:=|$)/.test(argument));
  const address = given[at] === "--listen" ? given[at + 1] : given[at]?.slice("--listen=".length);
  if (address === undefined || address === "") {
    throw new ServeHTTPError(
      "invalid-argument",
      `This is a servehttp plugin: let a host start it, or run it by hand as: node ${script} --listen 127.0.0.1:50051`,
    );
  }
  return address;
}

/** A token that is empty by mistake must not let everybody in. */
function checkedToken(token: string | undefined): string | undefined {
  if (token !== undefined && !/^[!-~]+$/.test(token)) {
    throw new ServeHTTPError(
      "invalid-argument",
      "the token must be visible ASCII characters, at least one; leave it out to let everybody in",
    );
  }
  return token;
}

/** The longest time of a timer of Node's, in milliseconds. */
const timerMsMax = 2_147_483_647;

function checkedDrainMs(drainMs: unknown): number {
  if (typeof drainMs !== "number" || !(drainMs >= 0 && drainMs <= timerMsMax)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `drainMs is ${String(drainMs)}: give milliseconds, 0 to ${timerMsMax}`,
    );
  }
  return drainMs;
}
