import { betterOfTwo } from "./better-of-two.js";
import { batchAhead } from "./batch-ahead.js";
import { loadBound } from "./bounded-load.js";
import { type BalancedConnection, type BalancedInstance, Candidate } from "./candidate.js";
import { instanceTag } from "./instance-tag.js";
import { OutlierDetection } from "./outlier-detection.js";
import type { EjectionReason, InstanceFailure } from "./outlier-record.js";
import type { OutlierSettings } from "./outlier-settings.js";
import { Rendezvous } from "./rendezvous.js";
import { type SlowStart, slowStartFactor } from "./slow-start.js";
import { WeightedDraw } from "./weighted-draw.js";

/** What decides among instances. */
export interface BalanceSettings {
  readonly slowStart: SlowStart;
  /** False: nothing is ejected. */
  readonly outliers: OutlierSettings | false;
  /** While less of the instances than this is healthy, ejections do not count. */
  readonly healthyPanicThresholdPercent: number;
  /** How much busier than the mean an instance may be until its keys go elsewhere; 0: any. */
  readonly hashBalanceFactor: number;
}

/** What binds a request to an instance. */
export type AffinityKey =
  /** All requests with the same value go to the same instance. */
  | { readonly kind: "hash"; readonly value: string }
  /** It goes to the instance with this tag. */
  | { readonly kind: "tag"; readonly value: string };

/** An ejection, for whoever is to know. */
export interface Ejection {
  readonly name: string;
  readonly reason: EjectionReason;
  /** How long, in milliseconds. */
  readonly ms: number;
}

/** Weights of instances that start slowly are looked at so often in their window. */
const slowStartSteps = 64;

/** At most so often, in milliseconds. */
const slowStartStepMsMin = 50;

/**
 * Chooses the instance of a plugin that gets the next exchange: the better one of two that are drawn
 * at random, or the one that the request is bound to. Time and chance come from outside, and nothing
 * happens by itself.
 */
export class Balance<Connection extends BalancedConnection> {
  readonly #settings: BalanceSettings;
  readonly #chance: () => number;
  readonly #outliers: OutlierDetection | undefined;
  readonly #onEjection: (ejection: Ejection) => void;
  readonly #byName = new Map<string, Candidate<Connection>>();
  /** Those that may get an exchange now, all of one priority. */
  #ready: readonly Candidate<Connection>[] = [];
  #draw = new WeightedDraw([1]);
  /** Those that probe exchanges go to. */
  #probed: readonly Candidate<Connection>[] = [];
  /** Made when a key is looked up. */
  #homes: Rendezvous<Candidate<Connection>> | undefined;
  #byTag: ReadonlyMap<string, Candidate<Connection>> | undefined;
  /** That of `#ready` which was chosen last. */
  #last = 0;
  #slowStartDueMs = Number.POSITIVE_INFINITY;
  /** When something changes by itself. */
  #dueMs = 0;

  constructor(
    settings: BalanceSettings,
    chance: () => number,
    nowMs: number,
    onEjection: (ejection: Ejection) => void,
  ) {
    this.#settings = settings;
    this.#chance = chance;
    this.#onEjection = onEjection;
    const { outliers } = settings;
    this.#outliers = outliers === false ? undefined : new OutlierDetection(outliers, chance, nowMs);
  }

  /** How many instances were ejected so far, and why. */
  get ejections(): ReadonlyMap<EjectionReason, number> {
    return this.#outliers?.counts ?? new Map();
  }

  get candidates(): Iterable<Candidate<Connection>> {
    return this.#byName.values();
  }

  /** These are the instances now, with these connections; what is known of others is forgotten. */
  update(instances: readonly BalancedInstance<Connection>[], nowMs: number): void {
    const names = new Set(instances.map(({ name }) => name));
    for (const [name, candidate] of this.#byName) {
      if (!names.has(name)) {
        this.#byName.delete(name);
        this.#outliers?.delete(candidate.outlier);
      }
    }
    for (const { connection, name, priority, weight } of instances) {
      const candidate = this.#candidate(name);
      candidate.weight = weight;
      candidate.priority = priority;
      if (candidate.connection !== connection) {
        candidate.connection = connection;
        if (connection !== undefined) {
          candidate.connectedMs = nowMs;
          candidate.latency.reset();
          if (candidate.outlier.standing.name === "ejected") {
            // It may be another process: one exchange tells.
            candidate.outlier.standing = { name: "probing", nextMs: nowMs };
          }
        }
      }
    }
    this.#byTag = undefined;
    this.#look(nowMs);
  }

  /**
   * The instance that gets the next exchange; undefined where none is ready. Its connection is the
   * one that `update` was told of.
   */
  choose(nowMs: number, key?: AffinityKey): Candidate<Connection> | undefined {
    if (nowMs >= this.#dueMs) {
      this.#tick(nowMs);
    }
    if (key !== undefined) {
      return this.#bound(nowMs, key) ?? this.#any(nowMs);
    }
    if (this.#probed.length > 0) {
      const probed = this.#probed.find((one) => mayProbe(one, nowMs));
      if (probed !== undefined) {
        return this.#probe(probed, nowMs);
      }
    }
    return this.#any(nowMs);
  }

  /** An answer of an instance has come, so many milliseconds after its request. */
  answered(candidate: Candidate<Connection>, status: number, ms: number, nowMs: number): void {
    if (status >= 500) {
      // Not its time: failing is often quick.
      this.failed(candidate, status >= 502 && status <= 504 ? "gateway" : "5xx", nowMs);
      return;
    }
    candidate.latency.sample(ms, nowMs);
    this.succeeded(candidate, nowMs);
  }

  /** An exchange with an instance has come out well. */
  succeeded(candidate: Candidate<Connection>, nowMs: number): void {
    if (this.#outliers?.succeeded(candidate.outlier) === true) {
      this.#look(nowMs);
    }
  }

  /** An exchange with an instance has failed by its fault. */
  failed(candidate: Candidate<Connection>, failure: InstanceFailure, nowMs: number): void {
    const reason = this.#outliers?.failed(candidate.outlier, failure, nowMs);
    if (reason !== undefined) {
      this.#tell(candidate, reason, nowMs);
      this.#look(nowMs);
    }
  }

  #candidate(name: string): Candidate<Connection> {
    let candidate = this.#byName.get(name);
    if (candidate === undefined) {
      candidate = new Candidate(name);
      this.#byName.set(name, candidate);
      this.#outliers?.add(candidate.outlier);
    }
    return candidate;
  }

  #any(nowMs: number): Candidate<Connection> | undefined {
    const ready = this.#ready;
    const count = ready.length;
    if (count < 2) {
      return ready[0];
    }
    // One for which a message is being put together takes another exchange for next to nothing.
    const last = ready[this.#last] as Candidate<Connection>;
    const isBatch = last.gathers;
    const first = isBatch ? this.#last : this.#draw.draw(this.#chance());
    // Another one, each as likely.
    let second = Math.floor(this.#chance() * (count - 1));
    second += second >= first ? 1 : 0;
    const one = ready[first] as Candidate<Connection>;
    const other = ready[second] as Candidate<Connection>;
    const better = betterOfTwo(one, other, nowMs, isBatch ? batchAhead(one, nowMs) : 0);
    this.#last = better === one ? first : second;
    return better;
  }

  /** The instance that a key belongs to, or the next one where that has too much to do. */
  #bound(nowMs: number, key: AffinityKey): Candidate<Connection> | undefined {
    if (key.kind === "tag") {
      const candidate = this.#tags.get(key.value);
      return candidate !== undefined && this.#takes(candidate, nowMs)
        ? this.#probe(candidate, nowMs)
        : undefined;
    }
    // Those that are probed are at home as well, so that no key goes there but theirs.
    this.#homes ??= new Rendezvous([...this.#ready, ...this.#probed]);
    const slot = this.#homes.slotOf(key.value);
    const home = this.#homes.home(slot);
    if (home === undefined || this.#hasRoom(home, nowMs)) {
      return home && this.#probe(home, nowMs);
    }
    return this.#homes.order(slot).find((one) => this.#hasRoom(one, nowMs));
  }

  get #tags(): ReadonlyMap<string, Candidate<Connection>> {
    this.#byTag ??= new Map(
      Array.from(this.#byName.values(), (candidate) => [instanceTag(candidate.name), candidate]),
    );
    return this.#byTag;
  }

  #hasRoom(candidate: Candidate<Connection>, nowMs: number): boolean {
    const { hashBalanceFactor } = this.#settings;
    if (!this.#takes(candidate, nowMs)) {
      return false;
    }
    if (hashBalanceFactor === 0 || candidate.busy < loadBound(0, 0, hashBalanceFactor)) {
      return true;
    }
    let total = 0;
    let weights = 0;
    for (const { busy, weight } of this.#ready) {
      total += busy;
      weights += weight;
    }
    return candidate.busy < loadBound(total, candidate.weight / weights, hashBalanceFactor);
  }

  /** Whether an instance may have an exchange that is bound to it. */
  #takes(candidate: Candidate<Connection>, nowMs: number): boolean {
    const { standing } = candidate.outlier;
    return (
      candidate.isOpen &&
      (standing.name === "in" || mayProbe(candidate, nowMs) || this.#ready.includes(candidate))
    );
  }

  #probe(candidate: Candidate<Connection>, nowMs: number): Candidate<Connection> {
    if (candidate.outlier.standing.name === "probing") {
      this.#outliers?.probe(candidate.outlier, nowMs);
    }
    return candidate;
  }

  #tick(nowMs: number): void {
    const before = [...this.#byName.values()].map(({ outlier }) => outlier.standing);
    const hasChanged = this.#outliers !== undefined && this.#outliers.tick(nowMs);
    if (hasChanged) {
      [...this.#byName.values()].forEach((candidate, index) => {
        if (candidate.outlier.standing.name === "ejected" && before[index]?.name === "in") {
          this.#tell(candidate, "success-rate", nowMs);
        }
      });
    }
    if (hasChanged || nowMs >= this.#slowStartDueMs) {
      this.#look(nowMs);
    } else {
      this.#setDue();
    }
  }

  #tell(candidate: Candidate<Connection>, reason: EjectionReason, nowMs: number): void {
    const { standing } = candidate.outlier;
    if (standing.name === "ejected") {
      this.#onEjection({ name: candidate.name, reason, ms: standing.untilMs - nowMs });
    }
  }

  /** Looks anew at who may get exchanges. */
  #look(nowMs: number): void {
    const all = [...this.#byName.values()];
    this.#ready = this.#readyOf(all);
    this.#last = 0;
    this.#probed = all.filter(
      (one) => one.isOpen && one.outlier.standing.name === "probing" && !this.#ready.includes(one),
    );
    this.#homes = undefined;
    this.#share(nowMs);
    this.#draw = new WeightedDraw(
      this.#ready.length === 0 ? [1] : this.#ready.map((one) => one.share),
    );
    this.#setDue();
  }

  /** The healthy ones of the lowest priority that has any; with ejected ones where few are healthy. */
  #readyOf(all: readonly Candidate<Connection>[]): readonly Candidate<Connection>[] {
    const open = all.filter(({ isOpen }) => isOpen);
    const healthy = open.filter(({ outlier }) => outlier.standing.name === "in");
    const candidates = healthy.length > 0 ? healthy : open;
    const priority = candidates.reduce((least, one) => Math.min(least, one.priority), Infinity);
    const isOfLevel = (one: Candidate<Connection>): boolean => one.priority === priority;
    const level = candidates.filter(isOfLevel);
    const isPanic =
      level.length * 100 <
      this.#settings.healthyPanicThresholdPercent * all.filter(isOfLevel).length;
    return isPanic ? open.filter(isOfLevel) : level;
  }

  #share(nowMs: number): void {
    const { slowStart } = this.#settings;
    let areSlow = false;
    for (const candidate of this.#ready) {
      const factor = slowStartFactor(nowMs - candidate.connectedMs, slowStart);
      candidate.share = candidate.weight * factor;
      areSlow ||= factor < 1;
    }
    this.#slowStartDueMs = areSlow
      ? nowMs + Math.max(slowStartStepMsMin, slowStart.windowMs / slowStartSteps)
      : Number.POSITIVE_INFINITY;
  }

  #setDue(): void {
    this.#dueMs = Math.min(this.#outliers?.dueMs ?? Number.POSITIVE_INFINITY, this.#slowStartDueMs);
  }
}

function mayProbe(candidate: Candidate<BalancedConnection>, nowMs: number): boolean {
  const { standing } = candidate.outlier;
  return standing.name === "probing" && nowMs >= standing.nextMs;
}
