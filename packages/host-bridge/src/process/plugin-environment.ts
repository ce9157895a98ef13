/** What a plugin is told by its environment. */
export interface PluginFacts {
  readonly pluginId: string;
  /** Where its clients find it, such as `"/plugins/notes"`. */
  readonly basePath: string;
  /** Where it must listen: `unix:/path`. */
  readonly address: string;
  /** What its host will send to be let in. */
  readonly token: string;
  /** The descriptor of a pipe that ends when the host is gone. */
  readonly hostFd: number;
  /** How it calls other plugins. Default: it may not. */
  readonly calls?: Pick<CallAccess, "address" | "token"> | undefined;
}

/** What lets a process of a plugin call other plugins. */
export interface CallAccess {
  /** Where the host listens for calls: `unix:/path`. */
  readonly address: string;
  /** Says which plugin calls. No other process has it. */
  readonly token: string;
  /** The process is gone: nobody gets in with this token any more. */
  revoke(): void;
}

/**
 * The environment of a plugin: the few variables of the host's that programs need to find their
 * files and to speak the right language, those of the option `env`, and what the host tells it. No
 * others, because a host has secrets in its environment.
 */
export function pluginEnvironment(
  host: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>>,
  facts: PluginFacts,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && (passedOn.has(name) || name.startsWith("LC_"))) {
      environment[name] = value;
    }
  }
  return {
    ...environment,
    ...own,
    SERVEHTTP_PLUGIN_ID: facts.pluginId,
    SERVEHTTP_BASE_PATH: facts.basePath,
    SERVEHTTP_ADDRESS: facts.address,
    SERVEHTTP_TOKEN: facts.token,
    SERVEHTTP_HOST_FD: String(facts.hostFd),
    ...(facts.calls !== undefined && {
      SERVEHTTP_CALLS_ADDRESS: facts.calls.address,
      SERVEHTTP_CALLS_TOKEN: facts.calls.token,
    }),
  };
}

const passedOn: ReadonlySet<string> = new Set([
  "HOME",
  "LANG",
  "LANGUAGE",
  "LOGNAME",
  "NODE_ENV",
  "PATH",
  "SHELL",
  "TERM",
  "TMPDIR",
  "TZ",
  "USER",
]);
