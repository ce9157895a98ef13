import { ServeHTTPError } from "@servehttp/contract";
import type { ConnectedPlugin } from "./connected-plugin.js";
import type { KeptConnection } from "./kept-connection.js";

/** An instance of a plugin: a process, or an address. */
export type Instance = Pick<
  KeptConnection<ConnectedPlugin>,
  "state" | "sinceUnixMs" | "restarts" | "pid" | "connection" | "nextAttemptMs" | "start" | "stop"
>;

/** What the instances of a plugin are made with. */
export interface PluginInstancesOptions {
  readonly pluginId: string;
  /** Makes the instances, for a start and for each reload. */
  readonly make: () => readonly Instance[];
  /** Called when other instances are current, or one that left is gone. */
  readonly onChange: () => void;
}

/**
 * What a plugin is doing as a whole; each of its instances has a state of its own.
 *
 *   stopped   -> running    [start]
 *   running   -> reloading  [#replace]
 *   reloading -> running    [#replace: the new instances took over, or did not start]
 *   any       -> stopped    [stop]
 *   any       -> removed    [remove]
 */
type State =
  | { readonly name: "stopped" | "removed" }
  | { readonly name: "running"; readonly current: readonly Instance[] }
  | {
      readonly name: "reloading";
      readonly current: readonly Instance[];
      readonly next: readonly Instance[];
    };

/** The instances of a plugin: those that take its requests, those that will, those that leave. */
export class PluginInstances {
  readonly #options: PluginInstancesOptions;
  #state: State = { name: "stopped" };
  /** They get nothing new and are not gone yet. */
  readonly #leaving = new Set<Instance>();
  /** Reloads happen one after the other. */
  #lastReload: Promise<unknown> = Promise.resolve();
  #wasStarted = false;

  constructor(options: PluginInstancesOptions) {
    this.#options = options;
  }

  /** Those that take requests, as far as they are ready. */
  get current(): readonly Instance[] {
    return "current" in this.#state ? this.#state.current : [];
  }

  /** The instance that speaks for the plugin: a ready one, else the first; undefined: stopped. */
  get leading(): Instance | undefined {
    const instances = this.current.length > 0 ? this.current : [...this.#leaving];
    return instances.find(({ state }) => state === "ready") ?? instances[0];
  }

  /** How long until the next attempt to start one begins; infinite where none will by itself. */
  get nextAttemptMs(): number {
    return Math.min(...this.#all.map((instance) => instance.nextAttemptMs));
  }

  /** Whether `start` has ever been called. */
  get wasStarted(): boolean {
    return this.#wasStarted;
  }

  /**
   * Starts all of them. Rejects with the first failure; the others are kept starting.
   *
   * @throws ServeHTTPError `unavailable` for a plugin that was removed
   */
  async start(): Promise<void> {
    const { make, pluginId } = this.#options;
    if (this.#state.name === "removed") {
      throw new ServeHTTPError("unavailable", `plugin ${pluginId} was removed`);
    }
    this.#wasStarted = true;
    if (this.#state.name === "stopped") {
      this.#state = { name: "running", current: make() };
    }
    await Promise.all(this.current.map((instance) => instance.start()));
  }

  /**
   * Sends nothing new to any instance, waits until what runs has ended, breaks what is left after
   * `drainMs` with `reason`, and stops the instances. Called again meanwhile, the shorter time
   * counts. `start` may be called at once, and starts new instances.
   */
  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const instances = [...this.#all, ...this.#leaving];
    if (this.#state.name !== "removed") {
      this.#state = { name: "stopped" };
    }
    await this.#leave(instances, drainMs, reason);
  }

  /** Stops it, and starts it never again. */
  async remove(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const stopped = this.stop(drainMs, reason);
    this.#state = { name: "removed" };
    await stopped;
  }

  /**
   * Replaces every instance by a new one, which is ready before the old one gets nothing more.
   * Where a new one does not become ready, the old ones stay, and it throws why.
   *
   * @throws ServeHTTPError `unavailable` for a plugin that was not started, `host-stopping` where
   *   it is stopped meanwhile
   */
  async reload(drainMs: number): Promise<void> {
    const reload = this.#lastReload.then(() => this.#replace(drainMs));
    // The next reload waits for this one. Its failure is for its own caller.
    this.#lastReload = reload.catch(() => undefined);
    await reload;
  }

  async #replace(drainMs: number): Promise<void> {
    const { make, onChange, pluginId } = this.#options;
    if (this.#state.name !== "running") {
      throw new ServeHTTPError("unavailable", `plugin ${pluginId} is stopped`);
    }
    const { current: old } = this.#state;
    const next = make();
    const reloading: State = { name: "reloading", current: old, next };
    this.#state = reloading;
    const reason = new ServeHTTPError("host-stopping", "the plugin was reloaded");
    try {
      await Promise.all(next.map((instance) => instance.start()));
    } catch (error) {
      if (this.#state === reloading) {
        this.#state = { name: "running", current: old };
      }
      await this.#leave(next, 0, reason);
      throw error;
    }
    if (this.#state !== reloading) {
      throw new ServeHTTPError("host-stopping", `plugin ${pluginId} was stopped`);
    }
    this.#state = { name: "running", current: next };
    onChange();
    await this.#leave(old, drainMs, reason);
  }

  async #leave(
    instances: readonly Instance[],
    drainMs: number,
    reason: ServeHTTPError,
  ): Promise<void> {
    await Promise.all(
      instances.map(async (instance) => {
        this.#leaving.add(instance);
        await instance.stop(drainMs, reason);
        this.#leaving.delete(instance);
      }),
    );
    this.#options.onChange();
  }

  /** Also those that a reload starts. */
  get #all(): readonly Instance[] {
    return "next" in this.#state ? [...this.current, ...this.#state.next] : this.current;
  }
}
