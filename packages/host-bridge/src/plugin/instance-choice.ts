import { isDeepStrictEqual } from "node:util";
import type { Logger } from "@servehttp/contract";
import { affinityKey, InstanceCookie } from "../balance/affinity.js";
import { type AffinityKey, Balance } from "../balance/balance.js";
import type { BalancedInstance, Candidate } from "../balance/candidate.js";
import type { EjectionReason } from "../balance/outlier-record.js";
import type { Balancing } from "../options/balance-options.js";
import type { Clock } from "../process/clock.js";
import type { ConnectedPlugin } from "./connected-plugin.js";
import { InstanceFeedback } from "./instance-feedback.js";
import type { Instance } from "./instance-group.js";
import type { InstanceServing, InstanceStatus } from "./instance-status.js";

/** What the choice of an instance is made with. */
export interface InstanceChoiceOptions {
  /** The plugin's. */
  readonly id: string;
  readonly balance: Balancing;
  readonly clock: Clock;
  readonly logger: Required<Logger>;
}

/** Which of a plugin's instances gets the next exchange. */
export class InstanceChoice {
  readonly #options: InstanceChoiceOptions;
  #settings: Balancing;
  #balance: Balance<ConnectedPlugin>;
  /** Whether something has changed since the balance was told of the instances. */
  #isStale = true;
  /** The list that it was told of. */
  #told: readonly Instance[] = [];

  constructor(options: InstanceChoiceOptions) {
    this.#options = options;
    this.#settings = options.balance;
    this.#balance = this.#make();
  }

  /** Chooses by other settings. What was known of instances is forgotten where they differ. */
  adopt(settings: Balancing): void {
    if (!isDeepStrictEqual(settings, this.#settings)) {
      this.#settings = settings;
      this.#balance = this.#make();
      this.#isStale = true;
    }
  }

  /** How many instances were ejected so far, and why. */
  get ejections(): ReadonlyMap<EjectionReason, number> {
    return this.#balance.ejections;
  }

  /** What binds a request to an instance. */
  keyOf(rawHeaders: readonly string[] | undefined): AffinityKey | undefined {
    const { affinity } = this.#settings;
    return affinity === undefined || rawHeaders === undefined
      ? undefined
      : affinityKey(affinity, rawHeaders);
  }

  /** Something about the instances has changed. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** The connection that gets the next exchange; undefined where none takes one. Hot. */
  choose(
    instances: readonly Instance[],
    key: AffinityKey | undefined,
  ): ConnectedPlugin | undefined {
    if (!this.#isChoice(instances)) {
      const connection = instances[0]?.connection;
      return connection?.open === true ? connection : undefined;
    }
    const nowMs = this.#options.clock.nowMs();
    if (this.#isStale || this.#told !== instances) {
      this.#tell(instances, nowMs);
    }
    let chosen = this.#balance.choose(nowMs, key);
    if (chosen?.isOpen === false) {
      // It has closed, and nobody has told of it yet.
      this.#tell(instances, nowMs);
      chosen = this.#balance.choose(nowMs, key);
    }
    return chosen?.connection;
  }

  /**
   * The same for an exchange that this one has given back: where it would be chosen again, the least
   * busy of the others, of the lowest priority. An exchange that is bound here has no other.
   */
  another(
    instances: readonly Instance[],
    key: AffinityKey | undefined,
    here: unknown,
  ): ConnectedPlugin | undefined {
    const chosen = this.choose(instances, key);
    if (chosen !== here) {
      return chosen;
    }
    if (key !== undefined || instances.length === 1) {
      return undefined;
    }
    let next: Candidate<ConnectedPlugin> | undefined;
    for (const candidate of this.#balance.candidates) {
      const { busy, connection, isOpen, outlier, priority } = candidate;
      const isOther = isOpen && connection !== here && outlier.standing.name === "in";
      const isBetter =
        next === undefined ||
        priority < next.priority ||
        (priority === next.priority && busy < next.busy);
      if (isOther && isBetter) {
        next = candidate;
      }
    }
    return next?.connection;
  }

  /** The instances as they are now. */
  statuses(instances: readonly Instance[]): readonly InstanceStatus[] {
    const known = new Map(Array.from(this.#balance.candidates, (one) => [one.name, one]));
    return balanced(instances).map(({ connection, name }) => {
      const candidate = known.get(name);
      const isEjected =
        this.#isChoice(instances) &&
        candidate !== undefined &&
        candidate.outlier.standing.name !== "in";
      const serving: InstanceServing = isEjected ? "ejected" : "ready";
      return {
        name,
        state: connection?.open === true ? serving : "not-ready",
        inFlight: connection === undefined ? 0 : connection.busy + connection.streams,
      };
    });
  }

  /** Whether there is more than one thing that could be done. */
  #isChoice(instances: readonly Instance[]): boolean {
    return instances.length !== 1 || this.#settings.affinity !== undefined;
  }

  #make(): Balance<ConnectedPlugin> {
    const { clock, id, logger } = this.#options;
    const { affinity } = this.#settings;
    const settings = { ...this.#settings, hashBalanceFactor: affinity?.hashBalanceFactor ?? 0 };
    return new Balance(settings, Math.random, clock.nowMs(), ({ ms, name, reason }) =>
      logger.warn(
        { plugin: id, instance: name, reason, ms: Math.round(ms) },
        "an instance of the plugin fails, and gets nothing for a while",
      ),
    );
  }

  #tell(instances: readonly Instance[], nowMs: number): void {
    this.#isStale = false;
    this.#told = instances;
    this.#balance.update(balanced(instances), nowMs);
    for (const candidate of this.#balance.candidates) {
      if (candidate.connection !== undefined) {
        this.#attend(candidate, candidate.connection);
      }
    }
  }

  /** What happens on a connection is told of its instance. */
  #attend(candidate: Candidate<ConnectedPlugin>, connection: ConnectedPlugin): void {
    if (connection.feedback?.isOf(candidate) === true) {
      return;
    }
    const { affinity } = this.#settings;
    const cookie = affinity?.cookie;
    connection.feedback = new InstanceFeedback(this.#balance, candidate, this.#options.clock);
    connection.bindsClients = affinity !== undefined;
    connection.instanceCookie =
      affinity !== undefined && cookie !== undefined && affinity.cookieSetBy === "host"
        ? new InstanceCookie({ ...affinity, cookie }, candidate.name)
        : undefined;
  }
}

function balanced(instances: readonly Instance[]): readonly BalancedInstance<ConnectedPlugin>[] {
  const names = new Set<string>();
  return instances.map((instance, index) => {
    const { address, connection } = instance;
    const own = address?.url ?? instance.name ?? String(index);
    // An address may be in the options twice.
    const name = names.has(own) ? `${own} ${index}` : own;
    names.add(name);
    return { name, weight: address?.weight ?? 1, priority: address?.priority ?? 0, connection };
  });
}
