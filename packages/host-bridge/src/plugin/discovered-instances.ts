import { type Logger, ServeHTTPError } from "@servehttp/contract";
import type { AddressSource, FoundAddress } from "../discovery/address-source.js";
import { sayAgainMs, timerMsMax } from "../limits.js";
import type { Clock } from "../process/clock.js";
import { noEnd } from "../process/shared-process.js";
import type { InstanceWatch } from "./hosted-plugin.js";
import {
  type Instance,
  type InstanceGroup,
  type LeadingInstance,
  leadingOf,
} from "./instance-group.js";
import { pluginFailure } from "./plugin-failure.js";

/** What instances at addresses that come and go are made with. */
export interface DiscoveredInstancesOptions {
  readonly pluginId: string;
  readonly source: AddressSource;
  /** Makes the instance at an address. */
  readonly make: (address: FoundAddress, watch: InstanceWatch) => Instance;
  /** How long the first list may take until `start` rejects, in milliseconds. */
  readonly startMs: number;
  readonly watch: InstanceWatch;
  /** Names the plugin in each record. */
  readonly logger: Required<Logger>;
  readonly clock: Clock;
}

/** An instance at an address of the last list. */
interface Member {
  readonly instance: Instance;
  wasReady: boolean;
  /** Settles when the attempt that `start` has begun is over. */
  tried: Promise<void>;
  /** Why that failed. */
  failure: ServeHTTPError | undefined;
}

/** Why nobody knows where instances are. */
interface Trouble {
  readonly error: ServeHTTPError;
  readonly sinceUnixMs: number;
  /** When it is looked again, on the clock. */
  readonly retryAtMs: number;
}

/**
 * The instances of a plugin at the addresses that a source tells: connected to as they come, and
 * drained as they go. What runs on one that has gone may take its time, as gRPC and Envoy let it:
 * nobody waits for it, and it ends with its own limits or its process.
 *
 *   new -> running [start] -> ended [stop]
 */
export class DiscoveredInstances implements InstanceGroup {
  /** Some instance is always about to come or go. */
  readonly needsAll = false;
  readonly #options: DiscoveredInstancesOptions;
  readonly #members = new Map<string, Member>();
  readonly #leaving = new Set<Instance>();
  #state: "new" | "running" | "ended" = "new";
  #current: readonly Instance[] = [];
  /** Whether there was a list. */
  #isTold = false;
  #trouble: Trouble | undefined;
  #sinceUnixMs: number;
  /** When the log last had that nobody knows the addresses. */
  #saidAtMs = Number.NEGATIVE_INFINITY;
  /** Of members that are gone. */
  #earlierRestarts = 0;
  /** Settles the promises of `start`. */
  #starting: PromiseWithResolvers<void> | undefined;
  #startTimer = new AbortController();

  constructor(options: DiscoveredInstancesOptions) {
    this.#options = options;
    this.#sinceUnixMs = options.clock.unixMs();
  }

  get current(): readonly Instance[] {
    return this.#current;
  }

  get all(): readonly Instance[] {
    return [...this.#current, ...this.#leaving];
  }

  /** Where no address is known: `starting` until a first answer, and `backing-off` from then on. */
  get leading(): LeadingInstance | undefined {
    const [leaving] = this.#leaving;
    if (this.#state === "ended") {
      return leaving;
    }
    const state = this.#trouble === undefined ? "starting" : "backing-off";
    const sinceUnixMs = this.#trouble?.sinceUnixMs ?? this.#sinceUnixMs;
    return (
      leadingOf(this.#current) ?? { state, sinceUnixMs, pid: undefined, connection: undefined }
    );
  }

  get restarts(): number {
    return this.#current.reduce((sum, { restarts }) => sum + restarts, this.#earlierRestarts);
  }

  get nextAttemptMs(): number {
    if (this.#state === "ended") {
      return Number.POSITIVE_INFINITY;
    }
    if (this.#current.length > 0) {
      return Math.min(...this.#current.map((instance) => instance.nextAttemptMs));
    }
    const { clock } = this.#options;
    return Math.max(0, (this.#trouble?.retryAtMs ?? 0) - clock.nowMs());
  }

  /**
   * Looks for addresses, and connects to what is there. Resolves when one instance is ready.
   *
   * @throws ServeHTTPError why none is: what failed at the first address, or in finding any;
   *   `deadline` where no list came within its time; `host-stopping` where it was stopped meanwhile.
   *   It goes on looking all the same.
   */
  async start(): Promise<void> {
    const { clock, pluginId, source, startMs } = this.#options;
    if (this.#state === "ended") {
      throw new ServeHTTPError("host-stopping", "the plugin was stopped");
    }
    this.#starting ??= Promise.withResolvers<void>();
    const { promise } = this.#starting;
    if (this.#state === "new") {
      this.#state = "running";
      clock.after(startMs, this.#startTimer.signal, () => {
        const message = `plugin ${pluginId}: nothing told where its instances are within ${startMs} ms`;
        this.#takeStarting()?.reject(new ServeHTTPError("deadline", message));
      });
      source.start({
        onAddresses: (addresses) => this.#follow(addresses),
        onFailure: (error, retryMs) => this.#onTrouble(error, retryMs),
      });
    } else {
      source.refresh();
      for (const member of this.#members.values()) {
        this.#try(member);
      }
    }
    this.#settleStart();
    await promise;
  }

  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#members.values(), ({ tried }) => tried));
  }

  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    this.#state = "ended";
    this.#startTimer.abort();
    this.#options.source.close();
    this.#takeStarting()?.reject(reason);
    for (const { instance } of this.#members.values()) {
      this.#leaving.add(instance);
    }
    this.#members.clear();
    this.#current = [];
    await Promise.all(
      Array.from(this.#leaving, async (instance) => {
        await instance.stop(drainMs, reason);
        this.#leaving.delete(instance);
      }),
    );
  }

  /** Connects to what is new, and leaves what is gone. */
  #follow(addresses: readonly FoundAddress[]): void {
    const { clock, logger, watch } = this.#options;
    const wanted = new Map(
      addresses.filter(({ terminating }) => !terminating).map((one) => [one.url, one]),
    );
    this.#startTimer.abort();
    this.#trouble = undefined;
    if (wanted.size === 0 && (!this.#isTold || this.#members.size > 0)) {
      this.#sinceUnixMs = clock.unixMs();
      logger.warn({}, "the plugin has no address now; requests wait until it has one");
      watch.onFailure(pluginFailure(this.#noAddress, noEnd, new Date(this.#sinceUnixMs)));
    }
    this.#isTold = true;
    const gone = [...this.#members.keys()].filter((url) => !wanted.has(url));
    for (const url of gone) {
      this.#leave(url);
    }
    const come: string[] = [];
    for (const [url, address] of wanted) {
      const present = this.#members.get(url);
      if (present === undefined) {
        come.push(url);
        this.#join(address);
      } else {
        present.instance.address = address;
      }
    }
    if (come.length > 0 || gone.length > 0) {
      logger.info({ come, gone, addresses: wanted.size }, "the plugin's addresses changed");
    }
    this.#current = Array.from(this.#members.values(), ({ instance }) => instance);
    this.#changed();
  }

  #join(address: FoundAddress): void {
    const { make, source, watch } = this.#options;
    const { url } = address;
    const isMember = (): boolean => this.#members.get(url)?.instance === instance;
    const instance = make(address, {
      onReady: watch.onReady,
      onFailure: (failure) => {
        watch.onFailure(failure);
        // It may have gone, and another may have come in its place.
        if (isMember()) {
          source.refresh();
        }
      },
      onChange: () => {
        const isReady = instance.state === "ready";
        if (member.wasReady && !isReady && isMember()) {
          source.refresh();
        }
        member.wasReady = isReady;
        this.#changed();
      },
    });
    const member: Member = {
      instance,
      wasReady: false,
      tried: Promise.resolve(),
      failure: undefined,
    };
    this.#members.set(url, member);
    this.#try(member);
  }

  #try(member: Member): void {
    member.failure = undefined;
    member.tried = member.instance
      .start()
      .then(
        () => undefined,
        (error: unknown) => ServeHTTPError.from(error),
      )
      .then((failure) => {
        member.failure = failure;
        this.#settleStart();
      });
  }

  /** Lets what runs on an instance end, however long that takes, and forgets it. */
  #leave(url: string): void {
    const instance = this.#members.get(url)?.instance;
    this.#members.delete(url);
    if (instance === undefined) {
      return;
    }
    this.#earlierRestarts += instance.restarts;
    this.#leaving.add(instance);
    const reason = new ServeHTTPError(
      "host-stopping",
      "the plugin's address is not listed any more",
    );
    void instance.stop(timerMsMax, reason).then(() => {
      this.#leaving.delete(instance);
      this.#changed();
    });
  }

  /** Nobody can say where the instances are; those that are known go on. */
  #onTrouble(error: ServeHTTPError, retryMs: number): void {
    const { clock, logger, watch } = this.#options;
    const nowMs = clock.nowMs();
    const unixMs = clock.unixMs();
    const sinceUnixMs = this.#trouble?.sinceUnixMs ?? unixMs;
    this.#trouble = { error, sinceUnixMs, retryAtMs: nowMs + retryMs };
    if (nowMs - this.#saidAtMs >= sayAgainMs) {
      this.#saidAtMs = nowMs;
      const failure = pluginFailure(error, noEnd, new Date(unixMs));
      const details = { code: failure.code, retryMs, addresses: this.#members.size };
      const kept = this.#members.size === 0 ? "none is known" : "those that are known stay";
      logger.warn(details, `the plugin's addresses can't be found: ${failure.message}; ${kept}`);
      watch.onFailure(failure);
    }
    this.#changed();
  }

  #changed(): void {
    this.#settleStart();
    this.#options.watch.onChange();
  }

  /** Settles the promises of `start`, where that can be told now. */
  #settleStart(): void {
    if (this.#starting === undefined) {
      return;
    }
    const members = [...this.#members.values()];
    if (members.some(({ instance }) => instance.state === "ready")) {
      this.#takeStarting()?.resolve();
      return;
    }
    const failures = members.map(({ failure }) => failure);
    const error = members.length === 0 ? this.#absence : failures[0];
    if (error !== undefined && !failures.includes(undefined)) {
      this.#takeStarting()?.reject(error);
    }
  }

  /** Why there is no address; undefined where that is not known yet. */
  get #absence(): ServeHTTPError | undefined {
    const { pluginId } = this.#options;
    if (this.#trouble !== undefined) {
      const { code, message } = this.#trouble.error;
      return new ServeHTTPError(code, `plugin ${pluginId}: ${message}`);
    }
    return this.#isTold ? this.#noAddress : undefined;
  }

  get #noAddress(): ServeHTTPError {
    const { pluginId } = this.#options;
    return new ServeHTTPError("unavailable", `plugin ${pluginId} has no address now`);
  }

  #takeStarting(): PromiseWithResolvers<void> | undefined {
    const starting = this.#starting;
    this.#starting = undefined;
    return starting;
  }
}
