import type { BalancedConnection } from "../balance/candidate.js";
import { type AffinityKey, Balance, type BalanceSettings } from "../balance/balance.js";
import type { OutlierSettings } from "../balance/outlier-settings.js";

/** Those of the option. */
export const outlierDefaults: OutlierSettings = {
  consecutive5xx: 5,
  enforcingConsecutive5xx: 100,
  consecutiveGatewayFailure: 5,
  enforcingConsecutiveGatewayFailure: 0,
  splitExternalLocalOriginErrors: false,
  consecutiveLocalOriginFailure: 5,
  enforcingConsecutiveLocalOriginFailure: 100,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionTimeMs: 300_000,
  maxEjectionPercent: 10,
  alwaysEjectOneHost: true,
  enforcingSuccessRate: 100,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1_900,
};

export const balanceDefaults: BalanceSettings = {
  slowStart: { windowMs: 0, aggression: 1, minWeightPercent: 10 },
  outliers: outlierDefaults,
  healthyPanicThresholdPercent: 50,
  hashBalanceFactor: 150,
};

/** A connection to an instance that exists in a test alone. */
export class SimulatedConnection implements BalancedConnection {
  open = true;
  busy = 0;
  streams = 0;
  gathers = false;
}

/** An instance of a simulated fleet. */
export interface SimulatedInstance {
  readonly name: string;
  weight: number;
  priority: number;
  connection: SimulatedConnection | undefined;
}

/** An exchange that ends later. */
interface Running {
  readonly endMs: number;
  readonly name: string;
  readonly status: number;
  readonly tookMs: number;
}

/** How an instance answers: with a status, after so long. */
export type Behaviour = (name: string) => { readonly status: number; readonly ms: number };

/** Instances with a balance in front of them, in a time that passes only here. */
export class SimulatedFleet {
  nowMs = 0;
  readonly instances: SimulatedInstance[] = [];
  readonly balance: Balance<SimulatedConnection>;
  readonly ejected: string[] = [];
  /** How many exchanges each has got, by name. */
  readonly got = new Map<string, number>();
  readonly #running: Running[] = [];

  /** @param chance from 0 to 1 */
  constructor(
    readonly chance: () => number,
    settings: Partial<BalanceSettings> = {},
  ) {
    this.balance = new Balance({ ...balanceDefaults, ...settings }, chance, 0, ({ name }) =>
      this.ejected.push(name),
    );
  }

  add(name: string, weight = 1, priority = 0): SimulatedInstance {
    const instance = { name, weight, priority, connection: new SimulatedConnection() };
    this.instances.push(instance);
    this.update();
    return instance;
  }

  remove(name: string): void {
    this.instances.splice(
      this.instances.findIndex((one) => one.name === name),
      1,
    );
    this.update();
  }

  update(): void {
    this.balance.update(this.instances, this.nowMs);
  }

  /** The name of the instance that gets the next exchange. */
  choose(key?: AffinityKey): string | undefined {
    return this.balance.choose(this.nowMs, key)?.name;
  }

  /** An exchange with an instance is over at once. */
  answer(name: string, status: number, ms = 1): void {
    const candidate = [...this.balance.candidates].find((one) => one.name === name);
    if (candidate !== undefined) {
      this.balance.answered(candidate, status, ms, this.nowMs);
    }
  }

  /** Sends exchanges at random times, so many a second on average, for so long. */
  load(perSecond: number, seconds: number, behave: Behaviour, keyOf?: () => AffinityKey): void {
    const endMs = this.nowMs + seconds * 1_000;
    for (;;) {
      const nextMs = this.nowMs - (Math.log(1 - this.chance()) * 1_000) / perSecond;
      if (nextMs > endMs) {
        break;
      }
      this.pass(nextMs - this.nowMs);
      const candidate = this.balance.choose(this.nowMs, keyOf?.());
      if (candidate?.connection === undefined) {
        continue;
      }
      const { name } = candidate;
      this.got.set(name, (this.got.get(name) ?? 0) + 1);
      candidate.connection.busy += 1;
      const { ms, status } = behave(name);
      this.#running.push({ endMs: this.nowMs + ms, name, status, tookMs: ms });
      this.#running.sort((one, other) => one.endMs - other.endMs);
    }
    this.pass(endMs - this.nowMs);
  }

  /** Sends so many exchanges in one turn of the event loop. Returns who has got how many. */
  burst(count: number): readonly number[] {
    const got = new Map(this.instances.map(({ name }) => [name, 0]));
    const gathering = new Set<SimulatedConnection>();
    for (let at = 0; at < count; at += 1) {
      const candidate = this.balance.choose(this.nowMs);
      if (candidate?.connection !== undefined) {
        const { connection, name } = candidate;
        connection.busy += 1;
        connection.gathers = true;
        gathering.add(connection);
        got.set(name, (got.get(name) ?? 0) + 1);
      }
    }
    for (const connection of gathering) {
      connection.gathers = false;
    }
    return [...got.values()];
  }

  /** Lets time pass, in which exchanges end. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.#running;
      if (next === undefined || next.endMs > untilMs) {
        break;
      }
      this.#running.shift();
      this.nowMs = next.endMs;
      const connection = this.instances.find(({ name }) => name === next.name)?.connection;
      if (connection !== undefined) {
        connection.busy -= 1;
      }
      this.answer(next.name, next.status, next.tookMs);
    }
    this.nowMs = untilMs;
  }

  /** What an instance has got, as a part of an even share of all exchanges. */
  shareOf(name: string): number {
    const total = [...this.got.values()].reduce((sum, count) => sum + count, 0);
    return ((this.got.get(name) ?? 0) / total) * this.instances.length;
  }
}
