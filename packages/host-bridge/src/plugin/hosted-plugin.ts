import { type Logger, ServeHTTPError } from "@servehttp/contract";
import type { AffinityKey } from "../balance/balance.js";
import type { EjectionReason } from "../balance/outlier-record.js";
import type { Destination, WaitingRequest } from "../exchange/destination.js";
import type { Exchange } from "../exchange/exchange.js";
import type { ExchangeTimes } from "../exchange/exchange-timer.js";
import { failureOf } from "../exchange/failure.js";
import { failuresToldMax, healthTimeoutMs } from "../limits.js";
import type { Outcome } from "../observation/outcome.js";
import type { Balancing } from "../options/balance-options.js";
import type { Clock } from "../process/clock.js";
import type { ConnectedPlugin, PluginExchanges, RunningCounts } from "./connected-plugin.js";
import type { Diagnosis } from "./diagnosis.js";
import { HeadTimeCounts, type HeadTimes } from "./head-times.js";
import type { InstanceState, KeptConnectionOptions } from "./kept-connection.js";
import { errorDetails, type PluginFailure } from "./plugin-failure.js";
import { FollowedInstances } from "./followed-instances.js";
import type { Instance, InstanceGroup } from "./instance-group.js";
import type { InstanceStatus } from "./instance-status.js";
import { PluginInstances, type Replacement } from "./plugin-instances.js";
import { InstanceChoice } from "./instance-choice.js";
import { Refusals } from "./refusals.js";
import { Retries, type Retry, type RetryPlaces } from "./retries.js";
import type { ProcessNews, SupervisedPlugin, SupervisedProcess } from "./supervised-plugin.js";
import { WaitingRequests } from "./waiting-requests.js";

/** What an instance tells of itself. */
export type InstanceWatch = Pick<
  KeptConnectionOptions<ConnectedPlugin>,
  "onChange" | "onReady" | "onFailure"
>;

/** What is settled for a plugin before anything of it runs. */
export interface HostedPluginSettings {
  readonly id: string;
  readonly chunkBytes: number;
  readonly times: ExchangeTimes;
  readonly drainMs: number;
  /** Exchanges at once; those beyond are refused with 503. */
  readonly maxInFlight: number;
  /**
   * Tunnels at once, over all instances; beyond, a request is not hijackable, and an upgrade is
   * refused with 503.
   */
  readonly maxTunnels: number;
  /**
   * Requests at once that wait for the plugin to become ready; those beyond are refused with 503.
   */
  readonly maxWaiting: number;
  /** How long they wait, in milliseconds. */
  readonly waitMs: number;
  readonly logger: Required<Logger>;
  readonly clock: Clock;
  /** Which instance gets the next exchange. */
  readonly balance: Balancing;
  /** Called when an instance has become ready, so many milliseconds after its start began. */
  readonly onReady: (ms: number) => void;
  /** Makes the instances, for a start and for each reload. */
  readonly makeInstances: (shared: PluginExchanges, watch: InstanceWatch) => InstanceGroup;
  /** There where a supervisor starts and ends the plugin's processes, in place of `makeInstances`. */
  readonly follow?: FollowSettings | undefined;
}

/** How a plugin is followed whose processes belong to a supervisor. */
export interface FollowSettings {
  /** What the supervisor has said of the plugin so far. */
  readonly seen: () => SupervisedPlugin | undefined;
  /** Makes a connection to a process of it. */
  readonly connect: (
    process: SupervisedProcess,
    shared: PluginExchanges,
    watch: InstanceWatch,
  ) => Instance;
  readonly onNews: (key: string, news: ProcessNews) => void;
}

/** One plugin of a host: its instances, and where its requests go. */
export class HostedPlugin {
  readonly id: string;
  readonly outcomes = new Map<Outcome, number>();
  readonly #headTimes = new HeadTimeCounts();
  #settings: HostedPluginSettings;
  readonly #onChange: () => void;
  readonly #counts: RunningCounts = { exchanges: 0, tunnels: 0, stalls: 0, healthMisses: 0 };
  readonly #retries: Retries;
  readonly #connections = new Set<ConnectedPlugin>();
  readonly #waiting: WaitingRequests;
  readonly #instances: PluginInstances | FollowedInstances;
  /** Between how many hosts the limits are divided. */
  #sharers: number;
  #reloads = 0;
  #stoppedUnixMs: number;
  #failures: readonly PluginFailure[] = [];
  readonly #refusals: Refusals;
  readonly #choice: InstanceChoice;
  readonly #wait: Destination = {
    kind: "wait",
    wait: (request) => this.#addWaiting(request, undefined),
  };

  constructor(settings: HostedPluginSettings, onChange: () => void, sharers = 1) {
    this.id = settings.id;
    this.#sharers = sharers;
    this.#settings = settings;
    this.#onChange = onChange;
    const { clock } = settings;
    this.#refusals = new Refusals(clock);
    this.#waiting = new WaitingRequests(clock);
    this.#choice = new InstanceChoice(settings);
    const places: RetryPlaces = {
      another: (here, boundBy) =>
        this.#choice.another(this.#instances.current, this.#choice.keyOf(boundBy), here)
          ?.destination,
      any: (boundBy) => this.destination(boundBy),
    };
    this.#retries = new Retries(places, clock);
    this.#instances = this.#makeSet(settings);
    this.#stoppedUnixMs = clock.unixMs();
  }

  /** How long `stop` and `reload` wait unless told otherwise, in milliseconds. */
  get drainMs(): number {
    return this.#settings.drainMs;
  }

  get state(): InstanceState {
    return this.#instances.leading?.state ?? "stopped";
  }

  get pid(): number | undefined {
    return this.#instances.leading?.pid;
  }

  get sinceUnixMs(): number {
    return this.#instances.leading?.sinceUnixMs ?? this.#stoppedUnixMs;
  }

  get headTimes(): HeadTimes {
    return this.#headTimes.snapshot;
  }

  get restarts(): number {
    return this.#instances.restarts;
  }

  /** How often it was reloaded. */
  get reloads(): number {
    return this.#reloads;
  }

  /** Whether its processes belong to a supervisor. */
  get isFollowed(): boolean {
    return this.#instances instanceof FollowedInstances;
  }

  /** The names of the processes that take its requests now, for others that are connected to them. */
  get processKeys(): readonly string[] {
    return this.#instances.current.flatMap(({ connection }) => connection?.processKey ?? []);
  }

  /** How long until the next attempt to start it; infinite where none begins by itself. */
  get nextAttemptMs(): number {
    return this.#instances.nextAttemptMs;
  }

  /** Exchanges that run now, also on instances that are being replaced. */
  get inFlight(): number {
    return this.#counts.exchanges;
  }

  /** Exchanges that are open now, those of instances that drain among them. */
  *openExchanges(): Iterable<Exchange> {
    for (const { exchanges } of this.#connections) {
      yield* exchanges;
    }
  }

  /** Tunnels that are open now. */
  get tunnels(): number {
    return this.#counts.tunnels;
  }

  /** Requests that wait for it to become ready. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** How often bytes for it had to wait, because it had not read those before them. */
  get stalls(): number {
    return this.#counts.stalls;
  }

  /** How many of its instances were ejected so far, because they failed, and why. */
  get ejections(): ReadonlyMap<EjectionReason, number> {
    return this.#choice.ejections;
  }

  /** Its instances, those that leave not among them. */
  get instances(): readonly InstanceStatus[] {
    return this.#choice.statuses(this.#instances.current);
  }

  /** Whether there are only so many names of instances, however long it runs. */
  get namesInstances(): boolean {
    return this.#instances.needsAll;
  }

  /** What became of exchanges that were given back, because no handler had seen them. */
  get retries(): Readonly<Record<Retry, number>> {
    return this.#retries.counts;
  }

  /** Health checks that it has not answered in time. */
  get healthMisses(): number {
    return this.#counts.healthMisses;
  }

  /** Its processes, those that start and those that leave among them. */
  get pids(): readonly number[] {
    return this.#instances.pids;
  }

  get carrier(): "mux" | "stream" | undefined {
    return this.#instances.leading?.connection?.carrier;
  }

  /** The last failures of all instances, oldest first. */
  get failures(): readonly PluginFailure[] {
    return this.#failures;
  }

  /** Whether `start` has ever been called. */
  get wasStarted(): boolean {
    return this.#instances.wasStarted;
  }

  /**
   * Starts all instances. Rejects with the first failure; the others are kept starting.
   *
   * @throws ServeHTTPError `unavailable` for a plugin that was removed
   */
  async start(): Promise<void> {
    await this.#instances.start();
  }

  /**
   * Where a request for this plugin goes now.
   *
   * @param rawHeaders of the request: name, value, name, value. Default: it is bound to no instance
   */
  destination(rawHeaders?: readonly string[]): Destination {
    const destination = this.#now(this.#choice.keyOf(rawHeaders));
    return destination.kind === "wait" &&
      this.#waiting.count >= this.#share(this.#settings.maxWaiting)
      ? refused("overload", "too many requests wait for the plugin")
      : destination;
  }

  /** The same for a request that waits already, which takes no place of another. */
  #now(key: AffinityKey | undefined): Destination {
    const connected = this.#choice.choose(this.#instances.current, key);
    if (connected === undefined) {
      return this.#noConnection(key);
    }
    if (!connected.servesHttp) {
      return notFound;
    }
    if (this.#counts.exchanges >= this.#share(this.#settings.maxInFlight)) {
      return refused("overload", "too many exchanges at once");
    }
    return connected.destination;
  }

  /**
   * Tells of a request that was answered with an error in the plugin's place. It counts each of
   * them; the log has the first of a kind, and then one record a minute, because a plugin that has
   * too much to do must not fill the disk as well.
   */
  refused(error: ServeHTTPError): void {
    const { outcome } = failureOf(error);
    this.#count(outcome);
    const { code, message } = error;
    const count = this.#refusals.add(code === "overload" ? message : `${code}, ${this.state}`);
    // That it was never started has been said.
    if (count === undefined || !this.wasStarted) {
      return;
    }
    const details = { plugin: this.id, outcome, code, refused: count };
    if (this.state === "failed") {
      this.#sayThatItFailed(details);
    } else {
      this.#settings.logger.warn(details, `requests are refused: ${message}`);
    }
  }

  /** Counts a request for it that can't be passed on to any plugin. */
  countBadRequest(): void {
    this.#count("bad-request");
  }

  /**
   * Sends nothing new to any instance, waits until what runs has ended, breaks what is left after
   * `drainMs` with `reason`, and stops the instances. Called again meanwhile, the shorter time
   * counts. `start` may be called at once, and starts new instances.
   */
  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    this.#stoppedUnixMs = this.#settings.clock.unixMs();
    await this.#instances.stop(drainMs, reason);
  }

  /** Stops it, and starts it never again. */
  async remove(drainMs: number, reason: ServeHTTPError): Promise<void> {
    await this.#instances.remove(drainMs, reason);
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
    const reloaded = await this.#instances.reload(drainMs);
    this.#reloads += 1;
    this.#onChange();
    return reloaded;
  }

  /** Whether each instance is ready, and answers a health check within its time that it serves. */
  async isServing(): Promise<boolean> {
    const late = new AbortController();
    const answered = new AbortController();
    this.#settings.clock.after(healthTimeoutMs, answered.signal, () => late.abort());
    try {
      const answers = this.#instances.current.map(
        async ({ connection }) =>
          connection !== undefined && (await connection.isServing(late.signal)),
      );
      if (this.#instances.needsAll) {
        return answers.length > 0 && (await Promise.all(answers)).every(Boolean);
      }
      return await Promise.any(answers.map(isTrue));
    } catch {
      // Whatever it was, it was no answer.
      return false;
    } finally {
      answered.abort();
    }
  }

  /**
   * Looks into the process of the instance that speaks for the plugin.
   *
   * @throws ServeHTTPError `unavailable` where none is connected, otherwise as the connection does
   */
  diagnose(what: Diagnosis, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const connection = this.#instances.leading?.connection;
    if (connection === undefined) {
      throw new ServeHTTPError("unavailable", `plugin ${this.id} is ${this.state}`);
    }
    return connection.diagnose(what, signal);
  }

  /** Whether it was started and not stopped since. */
  get isRunning(): boolean {
    return this.#instances.isRunning;
  }

  /**
   * Starts instances with other settings beside the present ones, as `reload` does, and leaves it to
   * the caller whether they take over.
   *
   * @throws ServeHTTPError as `reload` does: then nothing has changed
   */
  async prepare(settings: HostedPluginSettings): Promise<Replacement> {
    const instances = this.#instances;
    const next =
      instances instanceof FollowedInstances
        ? await instances.prepare((process) => this.#connect(settings, process))
        : await instances.prepare(() => this.#makeInstances(settings));
    return {
      get isWanted() {
        return next.isWanted;
      },
      take: (drainMs) => {
        this.adopt(settings);
        return next.take(drainMs);
      },
      discard: () => next.discard(),
    };
  }

  /** Takes other settings, with which its next instances are made. */
  adopt(settings: HostedPluginSettings): void {
    this.#choice.adopt(settings.balance);
    this.#settings = settings;
  }

  /** Divides the limits between so many hosts. */
  divideLimits(sharers: number): void {
    this.#sharers = sharers;
    this.#letGo();
  }

  /** The supervisor has said something of it. */
  follow(seen: SupervisedPlugin): void {
    if (this.#instances instanceof FollowedInstances) {
      this.#failures = seen.failures;
      this.#instances.follow(seen);
    }
  }

  /** The supervisor ends a process of it: what runs on it has had its time. */
  giveUp(key: string, tunnels: boolean, reason: ServeHTTPError): void {
    if (this.#instances instanceof FollowedInstances) {
      this.#instances.giveUp(key, tunnels, reason);
    }
  }

  #share(limit: number): number {
    return Math.ceil(limit / this.#sharers);
  }

  /** No instance takes requests now: whether it is worth to wait. */
  #noConnection(key: AffinityKey | undefined): Destination {
    const { maxWaiting, waitMs } = this.#settings;
    const { nextAttemptMs } = this.#instances;
    if (nextAttemptMs <= waitMs && waitMs > 0 && maxWaiting > 0) {
      return key === undefined
        ? this.#wait
        : { kind: "wait", wait: (request) => this.#addWaiting(request, key) };
    }
    return this.#unavailable(nextAttemptMs);
  }

  #unavailable(nextAttemptMs: number): Destination {
    const error = new ServeHTTPError("unavailable", `the plugin is ${this.state}`);
    return Number.isFinite(nextAttemptMs)
      ? { kind: "refused", error, retryAfterSeconds: Math.max(1, Math.ceil(nextAttemptMs / 1_000)) }
      : { kind: "refused", error };
  }

  #makeSet(settings: HostedPluginSettings): PluginInstances | FollowedInstances {
    const { clock, follow, id: pluginId } = settings;
    const onChange = (): void => this.#changed();
    if (follow === undefined) {
      const make = (): InstanceGroup => this.#makeInstances(this.#settings);
      return new PluginInstances({ pluginId, make, onChange });
    }
    const { onNews, seen } = follow;
    const make = (process: SupervisedProcess): Instance => this.#connect(this.#settings, process);
    return new FollowedInstances({ pluginId, seen, make, onNews, onChange, clock });
  }

  #makeInstances(settings: HostedPluginSettings): InstanceGroup {
    return settings.makeInstances(this.#exchangesOf(settings), {
      onChange: () => this.#changed(),
      onReady: settings.onReady,
      onFailure: (failure) => {
        this.#failures = [...this.#failures, failure].slice(-failuresToldMax);
        this.#changed();
      },
    });
  }

  /** Connects to a process of a supervisor's, who tells its failures. */
  #connect(settings: HostedPluginSettings, process: SupervisedProcess): Instance {
    const { follow } = settings;
    if (follow === undefined) {
      throw new TypeError("no supervisor has this plugin");
    }
    return follow.connect(process, this.#exchangesOf(settings), {
      onChange: () => this.#changed(),
      // The supervisor measures how long its process took.
      onReady: () => undefined,
      onFailure: () => this.#changed(),
    });
  }

  #exchangesOf(settings: HostedPluginSettings): PluginExchanges {
    const { chunkBytes, times, maxTunnels, clock } = settings;
    const share = (): number => this.#share(maxTunnels);
    return {
      chunkBytes,
      times,
      get maxTunnels() {
        return share();
      },
      clock,
      counts: this.#counts,
      connections: this.#connections,
      headTimes: this.#headTimes,
      onChange: () => this.#letGo(),
      findAnother: (here, { boundClient }, why, goOn) =>
        this.#retries.find(here, boundClient?.rawHeaders, why, goOn),
      onOver: (exchange, outcome, error, instance) =>
        this.#onOver(exchange, outcome, error, instance),
    };
  }

  #addWaiting(request: WaitingRequest, key: AffinityKey | undefined): () => void {
    return this.#waiting.add(request, key, this.#settings.waitMs, () => {
      const next = this.#now(key);
      return next.kind === "wait" ? this.#unavailable(0) : next;
    });
  }

  /** Lets requests go on that wait, where there is a place for them now. */
  #letGo(): void {
    this.#choice.invalidate();
    this.#waiting.release((key) => this.#now(key));
  }

  #changed(): void {
    if (this.#instances instanceof FollowedInstances) {
      this.#instances.settleStart();
    }
    this.#letGo();
    this.#onChange();
  }

  #sayThatItFailed(details: Readonly<Record<string, unknown>>): void {
    const last = this.#failures.at(-1);
    this.#settings.logger.error(
      { ...details, failedAt: last?.at, cause: last?.code },
      `requests come for a plugin that failed too often and is not started again, and are answered 503: ${last?.message}; repair it, then call host.reload(${JSON.stringify(this.id)})`,
    );
  }

  #count(outcome: Outcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  #onOver(
    exchange: Exchange,
    outcome: Outcome,
    error: ServeHTTPError | undefined,
    instance: string | undefined,
  ): void {
    this.#count(outcome);
    if (outcome === "ok") {
      this.#retries.earn();
    }
    if (error !== undefined) {
      const level = outcome === "client-disconnected" ? "debug" : "warn";
      const { requestId, method, calledBy } = exchange.init;
      const request = calledBy === undefined ? { requestId } : { requestId, calledBy };
      const where = instance === undefined ? { plugin: this.id } : { plugin: this.id, instance };
      const details = { ...where, ...request, method, outcome, ...errorDetails(error) };
      this.#settings.logger[level](details, "exchange failed");
    }
  }
}

const notFound: Destination = { kind: "not-found" };

/** Rejects where it is false, as where it does. */
async function isTrue(answer: Promise<boolean>): Promise<true> {
  if (!(await answer)) {
    throw new ServeHTTPError("unavailable", "it does not serve");
  }
  return true;
}

function refused(code: "overload" | "unavailable", message: string): Destination {
  return { kind: "refused", error: new ServeHTTPError(code, message) };
}
