import { LatencyAverage } from "./latency-average.js";
import { OutlierRecord } from "./outlier-record.js";

/** A connection to an instance, as far as the balance needs to know. */
export interface BalancedConnection {
  /** Whether it takes exchanges. */
  readonly open: boolean;
  /** Exchanges that run on it and give it work: all but `streams`. */
  readonly busy: number;
  /** Tunnels and event streams on it, which mostly wait. */
  readonly streams: number;
  /** Whether something waits to be sent, so that another exchange costs no write of its own. */
  readonly gathers: boolean;
}

/** An instance of a plugin, as the plugin tells of it. */
export interface BalancedInstance<Connection extends BalancedConnection> {
  /** What stays the same while it is connected again and again, and is the same on every host. */
  readonly name: string;
  /** Its share against others of the same priority, above 0. */
  readonly weight: number;
  /** Those with a higher one get nothing while one with a lower one is ready. */
  readonly priority: number;
  /** Undefined while there is none. */
  readonly connection: Connection | undefined;
}

/** An instance among which the balance chooses, with what it knows of it. */
export class Candidate<Connection extends BalancedConnection> {
  readonly name: string;
  weight = 1;
  priority = 0;
  connection: Connection | undefined;
  /** When its present connection came. */
  connectedMs = 0;
  /** Its weight now, less than `weight` while it starts slowly. */
  share = 1;
  /** There where it was told that answers take so long. */
  readonly latency = new LatencyAverage();
  readonly outlier = new OutlierRecord();

  constructor(name: string) {
    this.name = name;
  }

  get isOpen(): boolean {
    return this.connection?.open === true;
  }

  get busy(): number {
    return this.connection?.busy ?? 0;
  }

  get streams(): number {
    return this.connection?.streams ?? 0;
  }

  get gathers(): boolean {
    return this.connection?.gathers === true;
  }
}
