import {
  type ExchangeChannel,
  LinkedSet,
  type PartReceiver,
  RefusedExchange,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { Destination } from "../exchange/destination.js";
import type { InstanceCookie } from "../exchange/bound-client.js";
import type { Exchange, ExchangePlugin, GivenBack, GoOn } from "../exchange/exchange.js";
import type { ExchangeTimes } from "../exchange/exchange-timer.js";
import type { Outcome } from "../observation/outcome.js";
import type { Clock } from "../process/clock.js";
import type { ProcessorTime } from "../process/processor-time.js";
import type { Diagnosis } from "./diagnosis.js";
import type { HeadTimeCounts } from "./head-times.js";
import { HealthWatch } from "./health-watch.js";
import type { InstanceFeedback } from "./instance-feedback.js";
import type { DrainableConnection } from "./plugin-run.js";
import type { UsersElsewhere } from "./supervised-plugin.js";

/** A connection to a plugin, as far as the exchanges on it need to know. */
export interface ExchangeConnection {
  readonly carrier: "mux" | "stream";
  readonly description: { readonly servesHttp: boolean };
  /** Whether something waits to be sent, so that another exchange costs no write of its own. */
  readonly gathers: boolean;
  /**
   * Settles, and never rejects, when no more exchanges can be opened, with the reason:
   * `connection-lost`, or `plugin-closing` where those that are open may still end.
   */
  readonly lost: Promise<ServeHTTPError>;
  /** @throws ServeHTTPError `connection-lost` where the connection is gone */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts>;
  /** Whether the plugin takes exchanges; rejects where it does not answer. */
  isServing(signal: AbortSignal): Promise<boolean>;
  /** Looks into the plugin's process. */
  diagnose(what: Diagnosis, signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(how: "drained" | "now"): void;
}

/** What runs on a plugin now, and what has happened to it, over all its connections. */
export interface RunningCounts {
  exchanges: number;
  /** Tunnels among them. */
  tunnels: number;
  /** How often bytes for it had to wait so far, because it had not read those before them. */
  stalls: number;
  /** Health checks without an answer in time so far. */
  healthMisses: number;
}

/** What all connections of a plugin share. */
export interface PluginExchanges {
  readonly chunkBytes: number;
  readonly times: ExchangeTimes;
  /** As it is now. */
  readonly maxTunnels: number;
  readonly counts: RunningCounts;
  /** All connections on which something may run, those that drain among them. */
  readonly connections: Set<ConnectedPlugin>;
  /** How long their heads took. */
  readonly headTimes: HeadTimeCounts;
  /** Finds another place for an exchange that was given back here (`ExchangePlugin.giveBack`). */
  readonly findAnother: (
    here: ConnectedPlugin,
    exchange: Exchange,
    why: GivenBack,
    goOn: GoOn,
  ) => () => void;
  /** Called behind each exchange. */
  readonly onOver: (
    ...over: [...Parameters<ExchangePlugin["onOver"]>, instance: string | undefined]
  ) => void;
  /** Called when a connection takes exchanges again, or none any more. */
  readonly onChange: () => void;
  readonly clock: Clock;
}

/** One connection to a plugin, with the exchanges that run on it. */
export class ConnectedPlugin implements ExchangePlugin, DrainableConnection {
  readonly destination: Destination = { kind: "exchange", plugin: this };
  readonly chunkBytes: number;
  readonly times: ExchangeTimes;
  /** Settles, and never rejects, when nothing new can be sent: also where the plugin hangs. */
  readonly lost: Promise<ServeHTTPError>;
  readonly #connection: ExchangeConnection;
  readonly #shared: PluginExchanges;
  readonly #health: HealthWatch;
  readonly #exchanges = new LinkedSet<Exchange>();
  readonly #tunnels = new Set<Exchange>();
  readonly #eventStreams = new Set<Exchange>();
  readonly #elsewhere: UsersElsewhere | undefined;
  readonly #instance: string | undefined;
  /** There where the plugin has several instances: is told what comes of exchanges. */
  feedback: InstanceFeedback<ConnectedPlugin> | undefined;
  bindsClients = false;
  /** There where the host binds clients to the instance by a cookie. */
  instanceCookie: InstanceCookie | undefined;
  /** There once it gets nothing new. */
  #drain: Drain | undefined;

  /**
   * @param processorTime of the plugin's process; undefined where nobody knows
   * @param elsewhere who else is connected to the plugin's process
   * @param instance which one it is, for the log; undefined for a process of the host's
   */
  constructor(
    connection: ExchangeConnection,
    shared: PluginExchanges,
    processorTime: () => ProcessorTime | undefined,
    elsewhere?: UsersElsewhere,
    instance?: string,
  ) {
    this.#elsewhere = elsewhere;
    this.#instance = instance;
    this.#connection = connection;
    this.#shared = shared;
    this.chunkBytes = shared.chunkBytes;
    this.times = shared.times;
    const { promise, resolve } = Promise.withResolvers<ServeHTTPError>();
    this.lost = promise;
    shared.connections.add(this);
    this.#health = new HealthWatch({
      isServing: (signal) => connection.isServing(signal),
      processorTime,
      onChange: shared.onChange,
      onMiss: () => (shared.counts.healthMisses += 1),
      onHung: resolve,
      clock: shared.clock,
    });
    void connection.lost.then((reason) => {
      this.#health.stop();
      resolve(reason);
    });
  }

  get carrier(): "mux" | "stream" {
    return this.#connection.carrier;
  }

  /** The name of the plugin's process for others that are connected to it. */
  get processKey(): string | undefined {
    return this.#elsewhere?.key;
  }

  get servesHttp(): boolean {
    return this.#connection.description.servesHttp;
  }

  /** Whether it takes exchanges. */
  get open(): boolean {
    return this.#drain === undefined && this.#health.open;
  }

  get gathers(): boolean {
    return this.#connection.gathers;
  }

  /** Exchanges that run on it, but for `streams`. */
  get busy(): number {
    return this.#exchanges.size - this.streams;
  }

  /** Tunnels and event streams on it. */
  get streams(): number {
    return this.#tunnels.size + this.#eventStreams.size;
  }

  /** The exchanges that run on it. */
  get exchanges(): Iterable<Exchange> {
    return this.#exchanges;
  }

  get mayTunnel(): boolean {
    return this.#shared.counts.tunnels < this.#shared.maxTunnels;
  }

  /** Asks it whether it takes exchanges; rejects where it does not answer. */
  isServing(signal: AbortSignal): Promise<boolean> {
    return this.#connection.isServing(signal);
  }

  /** Looks into the plugin's process. */
  diagnose(what: Diagnosis, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#connection.diagnose(what, signal);
  }

  openExchange(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    try {
      return this.#connection.open(receiver);
    } catch (error) {
      // The connection is gone, and whoever chose this one has not heard of it.
      const { message } = ServeHTTPError.from(error);
      const reason = new ServeHTTPError("unavailable", message, { cause: error });
      return new RefusedExchange(receiver, reason);
    }
  }

  onBegun(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    this.#shared.counts.exchanges += 1;
  }

  onHead(exchange: Exchange, status: number, elapsedMs: number): void {
    this.#shared.headTimes.record(elapsedMs);
    this.feedback?.headed(status, exchange);
  }

  onEventStream(exchange: Exchange): void {
    this.#eventStreams.add(exchange);
  }

  onStall(): void {
    this.#shared.counts.stalls += 1;
  }

  onTunnel(exchange: Exchange): void {
    this.#tunnels.add(exchange);
    this.#shared.counts.tunnels += 1;
    this.feedback?.tunnelled();
    this.#drainFurther();
  }

  giveBack(exchange: Exchange, why: GivenBack, goOn: GoOn): () => void {
    this.#forget(exchange);
    this.#drainFurther();
    return this.#shared.findAnother(this, exchange, why, goOn);
  }

  onOver(exchange: Exchange, outcome: Outcome, error: ServeHTTPError | undefined): void {
    this.#forget(exchange);
    if (this.#tunnels.delete(exchange)) {
      this.#shared.counts.tunnels -= 1;
    }
    if (this.#eventStreams.size > 0) {
      this.#eventStreams.delete(exchange);
    }
    this.#drainFurther();
    if (error !== undefined) {
      this.feedback?.failed(error, exchange);
    }
    this.#shared.onOver(exchange, outcome, error, this.#instance);
  }

  #forget(exchange: Exchange): void {
    // It isn't here any more where it was given back.
    if (this.#exchanges.delete(exchange)) {
      this.#shared.counts.exchanges -= 1;
    }
  }

  async drain(
    giveUp: AbortSignal,
    giveUpTunnels: AbortSignal,
    onTunnelsLeft: () => void,
  ): Promise<void> {
    if (this.#elsewhere === undefined) {
      await this.#drainOwn(giveUp, giveUpTunnels, onTunnelsLeft);
      return;
    }
    // The process is asked to end when nothing but tunnels is left, here and elsewhere.
    const sides: Record<"here" | "elsewhere", "busy" | "tunnels" | "idle"> = {
      here: "busy",
      elsewhere: "busy",
    };
    let wasTold = false;
    const enter = (side: keyof typeof sides, next: "tunnels" | "idle"): void => {
      sides[side] = next;
      const now = Object.values(sides);
      if (!wasTold && !now.includes("busy") && now.includes("tunnels")) {
        wasTold = true;
        onTunnelsLeft();
      }
    };
    await Promise.all([
      this.#drainOwn(giveUp, giveUpTunnels, () => enter("here", "tunnels")).then(() =>
        enter("here", "idle"),
      ),
      this.#elsewhere
        .drain(giveUp, giveUpTunnels, () => enter("elsewhere", "tunnels"))
        .then(() => enter("elsewhere", "idle")),
    ]);
  }

  #drainOwn(
    giveUp: AbortSignal,
    giveUpTunnels: AbortSignal,
    onTunnelsLeft: () => void,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drain = { onIdle: resolve, onTunnelsLeft };
    this.#health.stop();
    const stops = [
      onceAborted(giveUp, () => this.#break(giveUp, (one) => !this.#tunnels.has(one))),
      onceAborted(giveUpTunnels, () => this.#break(giveUpTunnels, () => true)),
    ];
    this.#drainFurther();
    return promise.finally(() => {
      for (const stop of stops) {
        stop();
      }
    });
  }

  close(how: "drained" | "now"): void {
    this.#health.stop();
    this.#elsewhere?.close();
    this.#connection.close(how);
    if (how === "now") {
      this.#shared.connections.delete(this);
    }
  }

  #break({ reason }: AbortSignal, isMeant: (exchange: Exchange) => boolean): void {
    for (const exchange of [...this.#exchanges].filter(isMeant)) {
      exchange.stop(reason as ServeHTTPError);
    }
  }

  #drainFurther(): void {
    const drain = this.#drain;
    if (drain === undefined) {
      return;
    }
    if (this.#exchanges.size === 0) {
      drain.onIdle();
    } else if (this.#exchanges.size === this.#tunnels.size) {
      drain.onTunnelsLeft?.();
      this.#drain = { ...drain, onTunnelsLeft: undefined };
    }
  }
}

/** What waits for the exchanges of a connection that gets nothing new. */
interface Drain {
  readonly onIdle: () => void;
  readonly onTunnelsLeft: (() => void) | undefined;
}

/** Calls back when a signal aborts, or now where it has. Returns what takes the callback back. */
function onceAborted(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
  }
  signal.addEventListener("abort", callback, { once: true });
  return () => signal.removeEventListener("abort", callback);
}
