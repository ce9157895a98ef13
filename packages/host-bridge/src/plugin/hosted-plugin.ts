import {
  type ExchangeChannel,
  type Logger,
  type PartReceiver,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { Destination } from "../exchange/destination.js";
import type { Exchange, ExchangePlugin } from "../exchange/exchange.js";
import type { ExchangeTimes } from "../exchange/exchange-timer.js";
import type { Outcome } from "../exchange/failure.js";
import { HealthWatch } from "./health-watch.js";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import type { Clock } from "../process/clock.js";

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
  readonly logger: Required<Logger>;
  /** For health checks. */
  readonly clock: Clock;
  /** Makes an instance; `instances` of them are kept. */
  readonly makeInstances: (onChange: () => void) => readonly PluginInstance[];
}

/**
 * What a plugin is doing as a whole; each of its instances has a state of its own.
 *
 *   stopped   -> running    [start]
 *   running   -> reloading  [#replace]
 *   reloading -> running    [#replace: the new instances took over, or did not start]
 *   any       -> stopped    [stop]
 */
type HostedState =
  | { readonly name: "stopped" }
  | { readonly name: "running" }
  | { readonly name: "reloading"; readonly next: readonly Place[] };

const stopped: HostedState = { name: "stopped" };
const running: HostedState = { name: "running" };

/** One plugin of a host: its instances, and the exchanges that run on them. */
export class HostedPlugin {
  readonly id: string;
  readonly #settings: HostedPluginSettings;
  readonly #onChange: () => void;
  #state: HostedState = stopped;
  #places: readonly Place[] = [];
  /** Reloads happen one after the other. */
  #lastReload: Promise<unknown> = Promise.resolve();
  readonly #load: PluginLoad = { inFlight: 0, tunnels: new Set() };
  readonly outcomes = new Map<Outcome, number>();

  constructor(settings: HostedPluginSettings, onChange: () => void) {
    this.id = settings.id;
    this.#settings = settings;
    this.#onChange = onChange;
    this.#places = this.#makePlaces();
  }

  /** How long `stop` and `reload` wait unless told otherwise, in milliseconds. */
  get drainMs(): number {
    return this.#settings.drainMs;
  }

  get state(): InstanceState {
    return this.#leading.instance.state;
  }

  get pid(): number | undefined {
    return this.#leading.instance.pid;
  }

  get sinceUnixMs(): number {
    return this.#leading.instance.sinceUnixMs;
  }

  get restarts(): number {
    return this.#places.reduce((sum, { instance }) => sum + instance.restarts, 0);
  }

  /** Exchanges that run now, also on instances that are being replaced. */
  get inFlight(): number {
    return this.#load.inFlight;
  }

  /** Tunnels that are open now. */
  get tunnels(): number {
    return this.#load.tunnels.size;
  }

  get carrier(): "mux" | "stream" | undefined {
    return this.#leading.instance.connection?.carrier;
  }

  /** Starts all instances. Rejects with the first failure; the others are kept starting. */
  async start(): Promise<void> {
    if (this.#state === stopped) {
      this.#state = running;
    }
    await Promise.all(this.#places.map((place) => place.start()));
  }

  /** Where a request for this plugin goes now. */
  destination(): Destination {
    const place = this.#leastBusy();
    if (place === undefined) {
      const { failure, state } = this.#leading.instance;
      const message = `the plugin is ${state}`;
      return {
        kind: "refused",
        error: new ServeHTTPError("unavailable", message, { cause: failure }),
      };
    }
    if (place.instance.connection?.description.servesHttp === false) {
      return { kind: "not-found" };
    }
    if (this.#load.inFlight >= this.#settings.maxInFlight) {
      return {
        kind: "refused",
        error: new ServeHTTPError("overload", "too many exchanges at once"),
      };
    }
    return place.destination;
  }

  /**
   * Sends nothing new to any instance, waits until what runs has ended, breaks what is left after
   * `drainMs` with `reason`, and stops the instances. Called again meanwhile, the shorter time
   * counts.
   */
  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const next = this.#state.name === "reloading" ? this.#state.next : [];
    this.#state = stopped;
    await Promise.all([...this.#places, ...next].map((place) => place.stop(drainMs, reason)));
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
    // Whoever comes next waits for it, whatever becomes of it; its failure is its client's.
    this.#lastReload = reload.catch(() => undefined);
    await reload;
  }

  async #replace(drainMs: number): Promise<void> {
    if (this.#state === stopped) {
      throw new ServeHTTPError("unavailable", `plugin ${this.id} is stopped`);
    }
    const next = this.#makePlaces();
    const reloading: HostedState = { name: "reloading", next };
    this.#state = reloading;
    const reason = new ServeHTTPError("host-stopping", "the plugin was reloaded");
    try {
      await Promise.all(next.map((place) => place.start()));
      if (this.#state !== reloading) {
        throw new ServeHTTPError("host-stopping", `plugin ${this.id} was stopped`);
      }
    } catch (error) {
      await Promise.all(next.map((place) => place.stop(0, reason)));
      if (this.#state === reloading) {
        this.#state = running;
      }
      throw error;
    }
    const old = this.#places;
    this.#places = next;
    this.#state = running;
    this.#onChange();
    await Promise.all(old.map((place) => place.stop(drainMs, reason)));
  }

  #makePlaces(): readonly Place[] {
    const instances = this.#settings.makeInstances(() => this.#onChange());
    return instances.map(
      (instance) =>
        new Place(instance, this.#settings, this.#load, (exchange, outcome, error) =>
          this.#onOver(exchange, outcome, error),
        ),
    );
  }

  /** The instance that speaks for the plugin: a ready one, else the first. */
  get #leading(): Place {
    const place =
      this.#places.find(({ instance }) => instance.state === "ready") ?? this.#places[0];
    if (place === undefined) {
      throw new ServeHTTPError("internal", `plugin ${this.id} has no instance`);
    }
    return place;
  }

  #leastBusy(): Place | undefined {
    let least: Place | undefined;
    for (const place of this.#places) {
      if (place.open && (least === undefined || place.exchanges.size < least.exchanges.size)) {
        least = place;
      }
    }
    return least;
  }

  #onOver(exchange: Exchange, outcome: Outcome, error: ServeHTTPError | undefined): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (error !== undefined) {
      const level = outcome === "client-disconnected" ? "debug" : "warn";
      this.#settings.logger[level](
        {
          plugin: this.id,
          requestId: exchange.init.requestId,
          method: exchange.init.method,
          outcome,
          code: error.code,
          err: error,
        },
        "exchange failed",
      );
    }
  }
}

/** What all instances of a plugin carry together. */
interface PluginLoad {
  inFlight: number;
  readonly tunnels: Set<Exchange>;
}

/** An instance with the exchanges that run on it. */
class Place implements ExchangePlugin {
  readonly instance: PluginInstance;
  readonly chunkBytes: number;
  readonly times: ExchangeTimes;
  readonly exchanges = new Set<Exchange>();
  readonly destination: Destination = { kind: "exchange", plugin: this };
  readonly #health: HealthWatch;
  readonly #load: PluginLoad;
  readonly #maxTunnels: number;
  readonly #onOver: ExchangePlugin["onOver"];
  /** Set by `stop`, taken back by `start`. */
  #closing = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(
    instance: PluginInstance,
    settings: HostedPluginSettings,
    load: PluginLoad,
    onOver: ExchangePlugin["onOver"],
  ) {
    this.instance = instance;
    this.chunkBytes = settings.chunkBytes;
    this.times = settings.times;
    this.#load = load;
    this.#maxTunnels = settings.maxTunnels;
    this.#onOver = onOver;
    this.#health = new HealthWatch({
      connection: () => (instance.state === "ready" ? instance.connection : undefined),
      onHung: (reason) => instance.fail(reason),
      clock: settings.clock,
    });
  }

  /** Whether it takes exchanges. */
  get open(): boolean {
    return !this.#closing && this.instance.state === "ready" && this.#health.serving;
  }

  async start(): Promise<void> {
    this.#closing = false;
    this.#health.start();
    await this.instance.start();
  }

  openExchange(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    const { connection } = this.instance;
    if (connection === undefined) {
      throw new ServeHTTPError("unavailable", "the plugin is not connected");
    }
    return connection.open(receiver);
  }

  get mayTunnel(): boolean {
    return this.#load.tunnels.size < this.#maxTunnels;
  }

  onBegun(exchange: Exchange): void {
    this.exchanges.add(exchange);
    this.#load.inFlight += 1;
  }

  onTunnel(exchange: Exchange): void {
    this.#load.tunnels.add(exchange);
  }

  onOver(exchange: Exchange, outcome: Outcome, error: ServeHTTPError | undefined): void {
    this.exchanges.delete(exchange);
    this.#load.inFlight -= 1;
    this.#load.tunnels.delete(exchange);
    if (this.exchanges.size === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#onOver(exchange, outcome, error);
  }

  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    this.#closing = true;
    this.#health.stop();
    this.instance.drain();
    if (this.exchanges.size > 0) {
      this.#idle ??= Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        for (const exchange of this.exchanges) {
          exchange.stop(reason);
        }
      }, drainMs);
      await this.#idle.promise;
      clearTimeout(timer);
    }
    await this.instance.stop();
  }
}
