import {
  type EjectionReason,
  type InstanceFailure,
  type OutlierRecord,
  standsIn,
} from "./outlier-record.js";
import type { OutlierSettings } from "./outlier-settings.js";

/** Between two exchanges that probe the same instance, where the first has no result yet: 1 s. */
export const probeIntervalMs = 1_000;

/**
 * Takes instances out that fail more than others, for a while: Envoy's outlier detection, after which
 * an instance has to answer one exchange before it gets its share again. It has no timer: what is due
 * happens at the next `tick`.
 */
export class OutlierDetection {
  readonly #settings: OutlierSettings;
  /** From 0 to 1. */
  readonly #chance: () => number;
  readonly #records = new Set<OutlierRecord>();
  readonly #counts = new Map<EjectionReason, number>();
  #nextIntervalMs: number;
  /** When the first ejection is over. */
  #nextReturnMs = Number.POSITIVE_INFINITY;

  constructor(settings: OutlierSettings, chance: () => number, nowMs: number) {
    this.#settings = settings;
    this.#chance = chance;
    this.#nextIntervalMs = nowMs + settings.intervalMs;
  }

  /** How many instances were ejected so far, and why. */
  get counts(): ReadonlyMap<EjectionReason, number> {
    return this.#counts;
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    return Math.min(this.#nextIntervalMs, this.#nextReturnMs);
  }

  add(record: OutlierRecord): void {
    this.#records.add(record);
  }

  delete(record: OutlierRecord): void {
    this.#records.delete(record);
  }

  /** An exchange came out well. Returns whether the instance is back. */
  succeeded(record: OutlierRecord): boolean {
    record.requests += 1;
    record.successes += 1;
    record.resetConsecutive();
    if (record.standing.name !== "probing") {
      return false;
    }
    record.standing = standsIn;
    return true;
  }

  /** An exchange failed by the instance's fault. Returns why that ejects it. */
  failed(
    record: OutlierRecord,
    failure: InstanceFailure,
    nowMs: number,
  ): EjectionReason | undefined {
    record.requests += 1;
    switch (record.standing.name) {
      case "in":
        return this.#reasonFor(record, failure, nowMs);
      case "probing":
        this.#eject(record, "probe-failed", nowMs);
        return "probe-failed";
      case "ejected":
        // Of what ran before.
        return undefined;
    }
  }

  /** An exchange probes the instance. */
  probe(record: OutlierRecord, nowMs: number): void {
    record.standing = { name: "probing", nextMs: nowMs + probeIntervalMs };
  }

  /** Does what is due. Returns whether the standing of an instance has changed. */
  tick(nowMs: number): boolean {
    let hasChanged = this.#endEjections(nowMs);
    if (nowMs >= this.#nextIntervalMs) {
      hasChanged = this.#endInterval(nowMs) || hasChanged;
    }
    return hasChanged;
  }

  #reasonFor(
    record: OutlierRecord,
    failure: InstanceFailure,
    nowMs: number,
  ): EjectionReason | undefined {
    const settings = this.#settings;
    const isLocal = failure === "local-origin";
    if (isLocal && settings.splitExternalLocalOriginErrors) {
      record.consecutiveLocal += 1;
      if (record.consecutiveLocal !== settings.consecutiveLocalOriginFailure) {
        return undefined;
      }
      record.consecutiveLocal = 0;
      const enforcing = settings.enforcingConsecutiveLocalOriginFailure;
      return this.#mayEject(record, "consecutive-local-origin-failure", enforcing, nowMs);
    }
    let reason: EjectionReason | undefined;
    if (failure === "5xx") {
      record.consecutiveGateway = 0;
    } else {
      record.consecutiveGateway += 1;
      if (record.consecutiveGateway === settings.consecutiveGatewayFailure) {
        record.consecutiveGateway = 0;
        const enforcing = settings.enforcingConsecutiveGatewayFailure;
        reason = this.#mayEject(record, "consecutive-gateway-failure", enforcing, nowMs);
      }
    }
    record.consecutive5xx += 1;
    if (reason === undefined && record.consecutive5xx >= settings.consecutive5xx) {
      record.consecutive5xx = 0;
      reason = this.#mayEject(record, "consecutive-5xx", settings.enforcingConsecutive5xx, nowMs);
    }
    return reason;
  }

  /** Ejects an instance unless too many are, or chance is against it. */
  #mayEject(
    record: OutlierRecord,
    reason: EjectionReason,
    enforcingPercent: number,
    nowMs: number,
  ): EjectionReason | undefined {
    const { alwaysEjectOneHost, maxEjectionPercent } = this.#settings;
    let out = 0;
    for (const { standing } of this.#records) {
      out += standing.name === "in" ? 0 : 1;
    }
    const percent = (100 * (out + 1)) / this.#records.size;
    const isAllowed = percent <= maxEjectionPercent || (alwaysEjectOneHost && out === 0);
    if (!isAllowed || this.#records.size < 2 || this.#chance() * 100 >= enforcingPercent) {
      return undefined;
    }
    this.#eject(record, reason, nowMs);
    return reason;
  }

  #eject(record: OutlierRecord, reason: EjectionReason, nowMs: number): void {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.#settings;
    const maxMs = Math.max(baseEjectionTimeMs, maxEjectionTimeMs);
    if (record.backoff * baseEjectionTimeMs < maxMs + baseEjectionTimeMs) {
      record.backoff += 1;
    }
    const untilMs = nowMs + Math.min(record.backoff * baseEjectionTimeMs, maxMs);
    record.standing = { name: "ejected", untilMs };
    record.resetConsecutive();
    this.#nextReturnMs = Math.min(this.#nextReturnMs, untilMs);
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  #endEjections(nowMs: number): boolean {
    let hasChanged = false;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const record of this.#records) {
      if (record.standing.name === "ejected") {
        if (record.standing.untilMs <= nowMs) {
          record.standing = { name: "probing", nextMs: nowMs };
          hasChanged = true;
        } else {
          nextMs = Math.min(nextMs, record.standing.untilMs);
        }
      }
    }
    this.#nextReturnMs = nextMs;
    return hasChanged;
  }

  #endInterval(nowMs: number): boolean {
    const { intervalMs } = this.#settings;
    const passed = Math.floor((nowMs - this.#nextIntervalMs) / intervalMs) + 1;
    this.#nextIntervalMs += passed * intervalMs;
    const before = new Set([...this.#records].filter(({ standing }) => standing.name === "in"));
    const hasEjected = this.#ejectByRate(nowMs);
    for (const record of this.#records) {
      record.requests = 0;
      record.successes = 0;
      if (record.standing.name === "in" && before.has(record)) {
        record.backoff = Math.max(0, record.backoff - passed);
      }
    }
    return hasEjected;
  }

  /** Ejects instances whose rate of success is far below that of the others. */
  #ejectByRate(nowMs: number): boolean {
    const {
      enforcingSuccessRate,
      successRateMinimumHosts,
      successRateRequestVolume,
      successRateStdevFactor,
    } = this.#settings;
    const rated = [...this.#records].flatMap((record) =>
      record.standing.name === "in" &&
      record.requests > 0 &&
      record.requests >= successRateRequestVolume
        ? [{ record, rate: (100 * record.successes) / record.requests }]
        : [],
    );
    if (rated.length === 0 || rated.length < successRateMinimumHosts) {
      return false;
    }
    const mean = rated.reduce((sum, { rate }) => sum + rate, 0) / rated.length;
    const variance = rated.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / rated.length;
    const least = mean - (successRateStdevFactor / 1_000) * Math.sqrt(variance);
    return rated
      .filter(({ rate }) => rate < least)
      .map(({ record }) => this.#mayEject(record, "success-rate", enforcingSuccessRate, nowMs))
      .some((reason) => reason !== undefined);
  }
}
