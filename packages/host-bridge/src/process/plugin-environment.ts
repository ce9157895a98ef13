/** What a plugin is told by its environment. */
export interface PluginFacts {
  readonly pluginId: string;
  /** `unix:/path`, where it is to listen. */
  readonly address: string;
  /** What its host will show. */
  readonly token: string;
  /** The descriptor that ends when the host is gone. */
  readonly hostFd: number;
}

/**
 * The environment of a plugin: a few variables of the host's, without which programs don't find
 * their files or speak the wrong language; those of the option `env`; and what the host tells it.
 * Nothing else, because a host's environment is full of its secrets.
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
    SERVEHTTP_ADDRESS: facts.address,
    SERVEHTTP_TOKEN: facts.token,
    SERVEHTTP_HOST_FD: String(facts.hostFd),
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
