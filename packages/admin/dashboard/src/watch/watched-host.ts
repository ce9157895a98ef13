import type {
  HostInfo,
  PluginEvent,
  PluginList,
  RemovedEvent,
  SampleEvent,
} from "@servehttp/admin";
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { type AdminApi, ApiError } from "../api/admin-api.js";
import type { ServerSentEvent } from "../api/read-events.js";
import { pause, retryDelayMs } from "./retry-delay.js";
import { WatchedPlugin } from "./watched-plugin.js";

/**
 * How the page and the host are connected.
 *
 * - connecting -> open, lost, locked [run]
 * - open -> lost, locked [run]
 * - lost -> open, lost, locked [run]
 * - locked -> connecting [unlock]
 */
export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  | { readonly kind: "lost"; readonly why: string; readonly retryInMs: number }
  | { readonly kind: "locked"; readonly isWrong: boolean };

/** A sample comes once a second: without any for so long, the connection is dead. */
const silenceMsMax = 12_000;

/** The host as the page sees it, by the events of its API. */
export class WatchedHost {
  readonly #api: AdminApi;
  readonly #connection = signal<Connection>({ kind: "connecting" });
  readonly #plugins = signal<readonly WatchedPlugin[] | undefined>(undefined);
  readonly #info = signal<HostInfo | undefined>(undefined);
  readonly #nowUnixMs = signal(0);
  /** Ends a wait: for the next try, or for a token. */
  #wake = new AbortController();

  constructor(api: AdminApi) {
    this.#api = api;
  }

  get connection(): ReadonlySignal<Connection> {
    return this.#connection;
  }

  /** In the order in which the host has them; undefined: not known yet. */
  get plugins(): ReadonlySignal<readonly WatchedPlugin[] | undefined> {
    return this.#plugins;
  }

  get info(): ReadonlySignal<HostInfo | undefined> {
    return this.#info;
  }

  /** The time by the host's clock, when it was last heard of. */
  get nowUnixMs(): ReadonlySignal<number> {
    return this.#nowUnixMs;
  }

  /** Connects, and connects again whenever the connection is lost, until the signal aborts. */
  async run(until: AbortSignal): Promise<void> {
    let failures = 0;
    while (!until.aborted) {
      try {
        for await (const event of this.#events(until)) {
          failures = 0;
          batch(() => this.#take(event));
        }
        throw new ApiError("The host has ended the connection.");
      } catch (error) {
        if (until.aborted) {
          return;
        }
        failures += 1;
        this.#wake = new AbortController();
        const woken = AbortSignal.any([until, this.#wake.signal]);
        if (error instanceof ApiError && error.isLocked) {
          this.#connection.value = { kind: "locked", isWrong: this.#api.token !== undefined };
          await aborted(woken);
          if (!until.aborted) {
            this.#connection.value = { kind: "connecting" };
          }
        } else {
          const retryInMs = retryDelayMs(failures);
          const why = error instanceof ApiError ? error.message : "The connection broke.";
          this.#connection.value = { kind: "lost", why, retryInMs };
          await pause(retryInMs, woken);
        }
      }
    }
  }

  /** Tries another token. */
  unlock(token: string): void {
    this.#api.token = token;
    this.retry();
  }

  /** Tries at once. */
  retry(): void {
    this.#wake.abort();
  }

  /** Asks for what no event tells: the log level, for instance. */
  async refreshInfo(): Promise<void> {
    this.#info.value = await this.#api.host();
  }

  async *#events(until: AbortSignal): AsyncGenerator<ServerSentEvent, void, undefined> {
    const silence = new AbortController();
    const end = () => silence.abort(new ApiError("The host has gone silent."));
    let timer = setTimeout(end, silenceMsMax);
    try {
      const ended = AbortSignal.any([until, silence.signal]);
      for await (const event of this.#api.events(ended)) {
        clearTimeout(timer);
        timer = setTimeout(end, silenceMsMax);
        yield event;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take({ event, data }: ServerSentEvent): void {
    const told = JSON.parse(data) as unknown;
    switch (event) {
      case "plugins":
        this.#begin(told as PluginList);
        break;
      case "plugin":
        this.#change(told as PluginEvent);
        break;
      case "removed": {
        const { id } = told as RemovedEvent;
        this.#plugins.value = this.#plugins.value?.filter((plugin) => plugin.id !== id);
        break;
      }
      case "sample":
        this.#sample(told as SampleEvent);
        break;
      default:
      // A newer host tells more.
    }
  }

  #begin({ plugins }: PluginList): void {
    this.#plugins.value = plugins.map((plugin) => new WatchedPlugin(plugin));
    this.#nowUnixMs.value = Math.max(
      ...plugins.map(({ series }) => series.atUnixMs.at(-1) ?? 0),
      ...plugins.map(({ since }) => Date.parse(since)),
      0,
    );
    this.#connection.value = { kind: "open" };
    this.refreshInfo().catch(() => {
      // The connection is lost again, which is told elsewhere.
    });
  }

  #change({ plugin, change }: PluginEvent): void {
    const known = this.#plugins.value?.find(({ id }) => id === plugin.id);
    if (known === undefined) {
      const series = {
        intervalMs: 1_000,
        atUnixMs: [],
        requestsPerSecond: [],
        p50Ms: [],
        p99Ms: [],
        memoryBytes: [],
        inFlight: [],
        waiting: [],
      };
      const changes = [{ at: plugin.since, state: plugin.state }];
      const added = new WatchedPlugin({ ...plugin, series, changes });
      this.#plugins.value = [...(this.#plugins.value ?? []), added];
    } else {
      known.update(plugin, change);
    }
    this.#hear(Date.parse(change?.at ?? plugin.since));
  }

  #sample({ samples }: SampleEvent): void {
    const plugins = this.#plugins.value ?? [];
    if (plugins.length === 0) {
      // A host without plugins tells no time. The reader's clock will do: nothing else depends on it.
      this.#hear(Date.now());
    }
    for (const plugin of plugins) {
      const sample = samples[plugin.id];
      if (sample !== undefined) {
        plugin.addSample(sample);
        this.#hear(sample.atUnixMs);
      }
    }
  }

  #hear(unixMs: number): void {
    this.#nowUnixMs.value = Math.max(this.#nowUnixMs.value, unixMs);
  }
}

function aborted(until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    until.addEventListener("abort", () => resolve(), { once: true });
  });
}
