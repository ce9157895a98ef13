import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { checkAdminToken } from "@servehttp/admin/command";
import type { HostOptions } from "@servehttp/host-bridge";
import type { CommandContext } from "../context/command-context.js";
import { saidWrong } from "../context/command-error.js";
import { addressText, type ListenAddress } from "../listen/listen-address.js";
import type { ListenerSettings } from "../listen/listener-settings.js";
import { adminForms, listenDefault } from "../limits.js";
import { parseListenAddress } from "../listen/listen-address.js";
import type { AdminConfig, CommandConfig } from "./config.js";
import type { HostFlags } from "./host-flags.js";
import { readCertificate } from "./read-listeners.js";

/** What the admin is made with. */
export interface AdminSettings {
  readonly listener: ListenerSettings;
  /** False: none, on a unix socket. Undefined: one is made for each run. */
  readonly token: string | false | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly required: readonly string[] | undefined;
}

/** What else the settings say. */
interface Others {
  readonly listen: readonly ListenerSettings[];
  readonly plugins: HostOptions["plugins"];
}

/**
 * Where the admin listens, and who may call it; undefined where there is none. The command line wins
 * over the config.
 *
 * @param directory of the config
 * @throws CommandError for an address that is none or the public one, and for a token that is
 *   missing, can't be read or can be guessed
 */
export function readAdmin(
  { admin: given }: CommandConfig,
  directory: string,
  flags: HostFlags,
  context: CommandContext,
  { listen, plugins = {} }: Others,
): AdminSettings | undefined {
  const config: Partial<AdminConfig> =
    typeof given === "string" ? { address: given } : (given ?? {});
  const { hosts, mode = "600", required, tls } = config;
  const text = flags.admin ?? config.address;
  if (text === undefined) {
    if (flags.adminTokenFile !== undefined) {
      throw saidWrong("--admin-token-file goes with --admin");
    }
    return undefined;
  }
  const address = readAddress(text, flags.admin === undefined ? "admin" : "--admin", directory);
  checkPrivate(address, listen);
  const unknown = required?.find((id) => !Object.hasOwn(plugins, id));
  if (unknown !== undefined) {
    const ids = Object.keys(plugins).join(", ") || "none";
    throw saidWrong(`admin.required: there is no plugin ${unknown}; there are ${ids}`);
  }
  return {
    listener: {
      address,
      tls: tls && readCertificate(tls, directory, "admin.tls"),
      proxyProtocol: undefined,
      mode: address.kind === "unix" ? Number.parseInt(mode, 8) : undefined,
    },
    token: readToken(config, address, directory, flags, context),
    hosts,
    required,
  };
}

function readAddress(text: string, option: string, directory: string): ListenAddress {
  const address = parseListenAddress(text, listenDefault.host);
  if (address === undefined) {
    throw saidWrong(`${option}: got ${JSON.stringify(text)}, allowed is ${adminForms}`);
  }
  return address.kind === "unix" ? { ...address, path: resolve(directory, address.path) } : address;
}

/** The admin is not for those who reach the plugins. */
function checkPrivate(admin: ListenAddress, listen: readonly ListenerSettings[]): void {
  const isSame = ({ address }: ListenerSettings): boolean =>
    address.kind === "tcp" && admin.kind === "tcp"
      ? address.port === admin.port && admin.port !== 0
      : addressText(address) === addressText(admin) && admin.kind !== "tcp";
  const taken = listen.find(isSame);
  if (taken !== undefined) {
    const at = addressText(taken.address);
    throw saidWrong(`admin: the plugins are at ${at}; the admin needs an address of its own`);
  }
}

function readToken(
  { token, tokenFile }: Partial<AdminConfig>,
  { kind }: ListenAddress,
  directory: string,
  flags: HostFlags,
  { cwd, environment, stdout }: CommandContext,
): string | false | undefined {
  if (token !== undefined && tokenFile !== undefined) {
    throw saidWrong("admin: token and tokenFile are the same twice: leave one out");
  }
  if (flags.adminTokenFile !== undefined) {
    return fromFile(resolve(cwd, flags.adminTokenFile), "--admin-token-file");
  }
  if (token !== undefined) {
    return checked(token, "admin.token");
  }
  if (tokenFile !== undefined) {
    return fromFile(resolve(directory, tokenFile), "admin.tokenFile");
  }
  const ofEnvironment = environment[tokenVariable];
  if (ofEnvironment !== undefined) {
    return checked(ofEnvironment, tokenVariable);
  }
  if (kind === "unix") {
    return false;
  }
  if (stdout.isTTY === true) {
    return undefined;
  }
  throw saidWrong(
    `admin: it needs a token: ${tokenVariable}, --admin-token-file, or token of the config's admin; or listen on unix:/path`,
  );
}

const tokenVariable = "SERVEHTTP_ADMIN_TOKEN";

function fromFile(path: string, option: string): string {
  try {
    return checked(readFileSync(path, "utf8").trim(), `${option} ${path}`);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    switch (code) {
      case "ENOENT":
        throw saidWrong(`${option} ${path}: no such file`, thrown);
      case "EACCES":
        throw saidWrong(`${option} ${path}: no permission to read it`, thrown);
      case "EISDIR":
        throw saidWrong(`${option} ${path}: a directory is there, no file`, thrown);
      default:
        throw saidWrong(message, thrown);
    }
  }
}

/** The same, or says that it can be guessed. */
function checked(token: string, where: string): string {
  try {
    checkAdminToken(token);
    return token;
  } catch (thrown) {
    throw saidWrong((thrown as Error).message.replace(/^token/, where), thrown);
  }
}
