import type { ServeHTTPError } from "@servehttp/contract";
import {
  type Instance,
  type InstanceGroup,
  type LeadingInstance,
  leadingOf,
} from "./instance-group.js";

/** Instances that are named by the options: so many processes, or these addresses. */
export class FixedInstances implements InstanceGroup {
  readonly current: readonly Instance[];
  readonly needsAll = true;

  constructor(instances: readonly Instance[]) {
    this.current = instances;
  }

  get all(): readonly Instance[] {
    return this.current;
  }

  get leading(): LeadingInstance | undefined {
    return leadingOf(this.current);
  }

  get restarts(): number {
    return this.current.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  get nextAttemptMs(): number {
    return Math.min(...this.current.map((instance) => instance.nextAttemptMs));
  }

  /** Rejects with the first failure; the others are kept starting. */
  async start(): Promise<void> {
    await Promise.all(this.current.map((instance) => instance.start()));
  }

  /** `start` has waited for all of them. */
  async settled(): Promise<void> {}

  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    await Promise.all(this.current.map((instance) => instance.stop(drainMs, reason)));
  }
}
