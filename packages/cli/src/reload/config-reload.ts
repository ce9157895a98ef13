import { basename } from "node:path";
import { type PluginChanges, type PluginHost, ServeHTTPError } from "@servehttp/host-bridge";
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { Settings } from "../config/settings.js";
import { CommandError, failed, saidWrong } from "../context/command-error.js";
import type { ListenerSettings } from "../listen/listener-settings.js";
import type { Listeners } from "../listen/listeners.js";

/** What a config is read anew with. */
export interface ConfigReloadOptions {
  readonly host: Pick<PluginHost, "apply">;
  readonly listeners: Pick<Listeners, "renewCertificates">;
  /** The processes that serve connections; undefined: this one does. */
  readonly workers?: { reload(): Promise<void> } | undefined;
  /** What the host runs with. */
  readonly settings: Settings;
  readonly readSettings: () => Promise<Settings>;
  readonly logger: Logger;
}

/** Who wants to know of reloads. */
export interface ReloadObserver {
  readonly before?: () => void;
  readonly behind?: (settings: Settings) => void;
}

/**
 * Reads command line and config anew and brings the host to what they say, while it runs. All of it
 * happens, or nothing.
 */
export class ConfigReload {
  readonly #options: ConfigReloadOptions;
  #settings: Settings;
  readonly #observers: ReloadObserver[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ConfigReloadOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** What the host runs with now. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Calls back before each reload, and behind it with what the host runs with then. */
  observe(observer: ReloadObserver): void {
    this.#observers.push(observer);
  }

  /**
   * Reloads, behind a reload that runs. Resolves when everything has changed; what runs on plugins
   * that were changed or removed may still end.
   *
   * @throws CommandError which says why nothing was changed
   */
  async reload(): Promise<PluginChanges> {
    const reload = this.#last.then(async () => {
      this.#observers.forEach(({ before }) => before?.());
      try {
        return await this.#reload();
      } finally {
        this.#observers.forEach(({ behind }) => behind?.(this.#settings));
      }
    });
    this.#last = reload.catch(() => undefined);
    return await reload;
  }

  async #reload(): Promise<PluginChanges> {
    const { host, listeners, logger, readSettings, workers } = this.#options;
    let file = this.#settings.file;
    try {
      const next = await readSettings();
      file = next.file;
      checkFixed(this.#settings, next);
      // A config in TypeScript makes another logger each time it is read.
      const options = { ...next.host, logger: this.#options.settings.host.logger ?? logger };
      const changes = await host.apply(options, { until: "ready" });
      listeners.renewCertificates(next.listen);
      this.#settings = next;
      await workers?.reload();
      const { added, changed, removed } = changes;
      logger.info({ added, changed, removed }, "config reloaded");
      return changes;
    } catch (thrown) {
      const error = asCommandError(thrown, file);
      logger.error({}, `config not reloaded, nothing was changed: ${error.message}`);
      throw error;
    }
  }
}

/** Where it listens is settled when it starts; certificates may be other ones. */
function checkFixed(now: Settings, next: Settings): void {
  const [before, after] = [fixedOf(now), fixedOf(next)];
  const names = (["listen", "admin", "log", "workers"] as const).filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
  if (names.length > 0) {
    throw failed(`${names.join(", ")}: ${cannotChange}`);
  }
}

function fixedOf({ admin, listen, log, workers }: Settings) {
  return {
    listen: listen.map(withoutCertificate),
    admin: admin && { ...admin, listener: withoutCertificate(admin.listener) },
    log,
    workers,
  };
}

function withoutCertificate(listener: ListenerSettings) {
  return { ...listener, tls: listener.tls !== undefined };
}

const cannotChange = "can't change while the host runs: servehttp upgrade takes another one";

function asCommandError(thrown: unknown, file: string | undefined): CommandError {
  if (thrown instanceof CommandError) {
    return thrown;
  }
  const message = (thrown as Error).message.replace(
    "can't change while the host runs; make a new host for that",
    cannotChange,
  );
  const isWrong = thrown instanceof ServeHTTPError && thrown.code === "invalid-argument";
  const where = isWrong && file !== undefined ? `${basename(file)}: ` : "";
  return (isWrong ? saidWrong : failed)(where + message, thrown);
}
