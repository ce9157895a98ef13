import { ServeHTTPError } from "@servehttp/contract";
import type { Instance, InstanceGroup, LeadingInstance } from "./instance-group.js";

/** The instances of a plugin, as far as the plugin needs to know. */
export interface InstancesOfPlugin {
  /** Those that take requests, as far as they are ready. */
  readonly current: readonly Instance[];
  /** A ready one, else the first; undefined: stopped. */
  readonly leading: LeadingInstance | undefined;
  /** Starts or connections after the first. */
  readonly restarts: number;
  /** The processes of this host's among them, those that start and those that leave as well. */
  readonly pids: readonly number[];
  /** How long until the next attempt to start one begins; infinite where none will by itself. */
  readonly nextAttemptMs: number;
  /** Whether the plugin serves only as long as each of the current ones does. */
  readonly needsAll: boolean;
  /** Whether it was started and not stopped since. */
  readonly isRunning: boolean;
  /** Whether `start` has ever been called. */
  readonly wasStarted: boolean;
  start(): Promise<void>;
  stop(drainMs: number, reason: ServeHTTPError): Promise<void>;
  remove(drainMs: number, reason: ServeHTTPError): Promise<void>;
  reload(drainMs: number): Promise<{ readonly drained: Promise<void> }>;
}

/** What the instances of a plugin are made with. */
export interface PluginInstancesOptions {
  readonly pluginId: string;
  /** Makes the instances, for a start and for each reload. */
  readonly make: () => InstanceGroup;
  /** Called when other instances are current, or one that left is gone. */
  readonly onChange: () => void;
}

/**
 * What a plugin is doing as a whole; each of its instances has a state of its own.
 *
 *   stopped   -> running    [start]
 *   running   -> reloading  [prepare]
 *   reloading -> running    [prepare: the new instances did not start; take; discard]
 *   any       -> stopped    [stop]
 *   any       -> removed    [remove]
 */
type State =
  | { readonly name: "stopped" | "removed" }
  | { readonly name: "running"; readonly current: InstanceGroup }
  | { readonly name: "reloading"; readonly current: InstanceGroup; readonly next: InstanceGroup };

/** New instances that are ready, beside those that they are to replace. */
export interface Replacement {
  /** False where the plugin was stopped meanwhile, and the new instances with it. */
  readonly isWanted: boolean;
  /**
   * Gives the new instances every new request, at once. Resolves when what ran on the old ones has
   * ended, or `drainMs` later.
   *
   * @throws ServeHTTPError `host-stopping`, at once, where it is not wanted any more
   */
  take(drainMs: number): Promise<void>;
  /** Stops the new instances. The old ones have noticed nothing. */
  discard(): Promise<void>;
}

/** The instances of a plugin: those that take its requests, those that will, those that leave. */
export class PluginInstances implements InstancesOfPlugin {
  readonly #options: PluginInstancesOptions;
  #state: State = { name: "stopped" };
  /** They get nothing new and are not gone yet. */
  readonly #leaving = new Set<InstanceGroup>();
  /** Replacements are made one after the other; settles when the last one is decided. */
  #lastReplacement: Promise<void> = Promise.resolve();
  #wasStarted = false;

  constructor(options: PluginInstancesOptions) {
    this.#options = options;
  }

  /** Those that take requests, as far as they are ready. */
  get current(): readonly Instance[] {
    return this.#group()?.current ?? none;
  }

  /** The instance that speaks for the plugin: a ready one, else the first; undefined: stopped. */
  get leading(): LeadingInstance | undefined {
    const [first] = this.#leaving;
    return (this.#group() ?? first)?.leading;
  }

  /** The processes of all of them, those that start and those that leave among them. */
  get pids(): readonly number[] {
    const groups = [...this.#groups, ...this.#leaving];
    const pids = groups.flatMap(({ all }) => all).map(({ pid }) => pid);
    return [...new Set(pids)].filter((pid) => pid !== undefined);
  }

  get restarts(): number {
    return this.#group()?.restarts ?? 0;
  }

  /** How long until the next attempt to start one begins; infinite where none will by itself. */
  get nextAttemptMs(): number {
    return Math.min(...this.#groups.map((group) => group.nextAttemptMs));
  }

  get needsAll(): boolean {
    return this.#group()?.needsAll ?? true;
  }

  /** Whether it was started and not stopped since. */
  get isRunning(): boolean {
    return "current" in this.#state;
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
    await this.#group()?.start();
  }

  /**
   * Sends nothing new to any instance, waits until what runs has ended, breaks what is left after
   * `drainMs` with `reason`, and stops the instances. Called again meanwhile, the shorter time
   * counts. `start` may be called at once, and starts new instances.
   */
  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const groups = [...this.#groups, ...this.#leaving];
    if (this.#state.name !== "removed") {
      this.#state = { name: "stopped" };
    }
    await this.#leave(groups, drainMs, reason);
  }

  /** Stops it, and starts it never again. */
  async remove(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const stopped = this.stop(drainMs, reason);
    this.#state = { name: "removed" };
    await stopped;
  }

  /**
   * Replaces every instance by a new one, which is ready before the old one gets nothing more.
   * Where a new one does not become ready, the old ones stay, and it throws why. Resolves when the
   * new ones get every request, with a promise for the end of the old ones.
   *
   * @throws ServeHTTPError `unavailable` for a plugin that was not started, `host-stopping` where
   *   it is stopped meanwhile
   */
  async reload(drainMs: number): Promise<{ readonly drained: Promise<void> }> {
    const replacement = await this.prepare(this.#options.make);
    return { drained: replacement.take(drainMs) };
  }

  /**
   * Starts new instances beside the present ones, which go on serving. Resolves when all of the new
   * ones are ready. Until the replacement is taken or discarded, the next one waits.
   *
   * @param make makes the new instances
   * @throws ServeHTTPError as `reload` does: then the new instances are gone
   */
  async prepare(make: () => InstanceGroup): Promise<Replacement> {
    const before = this.#lastReplacement;
    const decided = Promise.withResolvers<void>();
    this.#lastReplacement = decided.promise;
    await before;
    try {
      return await this.#prepare(make, () => decided.resolve());
    } catch (error) {
      decided.resolve();
      throw error;
    }
  }

  async #prepare(make: () => InstanceGroup, onDecided: () => void): Promise<Replacement> {
    const { onChange, pluginId } = this.#options;
    if (this.#state.name !== "running") {
      throw new ServeHTTPError("unavailable", `plugin ${pluginId} is stopped`);
    }
    const { current: old } = this.#state;
    const next = make();
    const reloading: State = { name: "reloading", current: old, next };
    this.#state = reloading;
    const reason = new ServeHTTPError("host-stopping", "the plugin was reloaded");
    const decide = (current: InstanceGroup): void => {
      if (this.#state === reloading) {
        this.#state = { name: "running", current };
      }
      onDecided();
    };
    const discard = async (): Promise<void> => {
      decide(old);
      await this.#leave([next], 0, reason);
    };
    try {
      await next.start();
      await next.settled();
    } catch (error) {
      await discard();
      throw error;
    }
    const stoppedMeanwhile = (): ServeHTTPError =>
      new ServeHTTPError("host-stopping", `plugin ${pluginId} was stopped`);
    if (this.#state !== reloading) {
      throw stoppedMeanwhile();
    }
    const isWanted = (): boolean => this.#state === reloading;
    return {
      get isWanted() {
        return isWanted();
      },
      take: (drainMs) => {
        if (!isWanted()) {
          onDecided();
          throw stoppedMeanwhile();
        }
        decide(next);
        onChange();
        return this.#leave([old], drainMs, reason);
      },
      discard,
    };
  }

  async #leave(
    groups: readonly InstanceGroup[],
    drainMs: number,
    reason: ServeHTTPError,
  ): Promise<void> {
    await Promise.all(
      groups.map(async (group) => {
        this.#leaving.add(group);
        await group.stop(drainMs, reason);
        this.#leaving.delete(group);
      }),
    );
    this.#options.onChange();
  }

  #group(): InstanceGroup | undefined {
    return "current" in this.#state ? this.#state.current : undefined;
  }

  /** Also the one that a reload starts. */
  get #groups(): readonly InstanceGroup[] {
    const state = this.#state;
    if ("next" in state) {
      return [state.current, state.next];
    }
    return "current" in state ? [state.current] : [];
  }
}

const none: readonly Instance[] = [];
