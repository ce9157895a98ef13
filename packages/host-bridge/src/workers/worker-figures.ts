import type { InstanceStatus } from "../plugin/instance-status.js";
import type { PluginStatus } from "../plugin/plugin-status.js";
import type { PluginFigures } from "./worker-messages.js";

/** What workers do for the plugins of their supervisor, also what they did before they ended. */
export class WorkerFigures {
  readonly #present = new Map<object, Readonly<Record<string, PluginFigures>>>();
  readonly #past = new Map<string, PluginFigures>();

  /** What a worker does now. */
  report(worker: object, figures: Readonly<Record<string, PluginFigures>>): void {
    this.#present.set(worker, figures);
  }

  /** A worker is gone. What it counted stays; nothing runs in it any more. */
  end(worker: object): void {
    for (const [id, { outcomes, headTimeCounts }] of Object.entries(
      this.#present.get(worker) ?? {},
    )) {
      const ended = { ...nothing, outcomes, headTimeCounts };
      this.#past.set(id, sumOf(this.#past.get(id) ?? nothing, ended));
    }
    this.#present.delete(worker);
  }

  /** A plugin's status with what all workers do. */
  total(status: PluginStatus): PluginStatus {
    const { id, headTimes } = status;
    const all = [...this.#present.values()].flatMap((figures) => figures[id] ?? []);
    const past = this.#past.get(id);
    if (all.length === 0 && past === undefined) {
      return status;
    }
    const own: PluginFigures = { ...status, headTimeCounts: headTimes.counts };
    const sum = [...all, past ?? nothing].reduce(sumOf, own);
    const { inFlight, tunnels, waiting, outcomes, headTimeCounts, instances } = sum;
    return {
      ...status,
      inFlight,
      tunnels,
      waiting,
      outcomes,
      headTimes: { ...headTimes, counts: headTimeCounts },
      instances,
    };
  }

  /** The instances of a plugin with what all workers do with them. */
  totalInstances(id: string, own: readonly InstanceStatus[]): readonly InstanceStatus[] {
    return [...this.#present.values()]
      .flatMap((figures) => figures[id] ?? [])
      .reduce((sum, { instances }) => sumOfInstances(sum, instances), own);
  }
}

/** What a host tells of itself. */
export function figuresOf(statuses: readonly PluginStatus[]): Record<string, PluginFigures> {
  return Object.fromEntries(
    statuses.map(({ id, inFlight, tunnels, waiting, outcomes, headTimes, instances }) => [
      id,
      { inFlight, tunnels, waiting, outcomes, headTimeCounts: headTimes.counts, instances },
    ]),
  );
}

const nothing: PluginFigures = {
  inFlight: 0,
  tunnels: 0,
  waiting: 0,
  outcomes: {},
  headTimeCounts: [],
  instances: [],
};

function sumOf(one: PluginFigures, other: PluginFigures): PluginFigures {
  const outcomes: Record<string, number> = { ...one.outcomes };
  for (const [outcome, count] of Object.entries(other.outcomes)) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const [longer, shorter] =
    one.headTimeCounts.length >= other.headTimeCounts.length
      ? [one.headTimeCounts, other.headTimeCounts]
      : [other.headTimeCounts, one.headTimeCounts];
  return {
    inFlight: one.inFlight + other.inFlight,
    tunnels: one.tunnels + other.tunnels,
    waiting: one.waiting + other.waiting,
    outcomes,
    headTimeCounts: longer.map((count, index) => count + (shorter[index] ?? 0)),
    instances: sumOfInstances(one.instances, other.instances),
  };
}

/**
 * The instances of a host with what another one does with them: that is ejected which any of them
 * has ejected, because it gets less than its share. Whether they are there says the first host.
 */
function sumOfInstances(
  own: readonly InstanceStatus[],
  others: readonly InstanceStatus[],
): readonly InstanceStatus[] {
  const byName = new Map(others.map((instance) => [instance.name, instance]));
  return own.map((instance) => {
    const other = byName.get(instance.name);
    const isEjected = instance.state === "ready" && other?.state === "ejected";
    return {
      name: instance.name,
      state: isEjected ? "ejected" : instance.state,
      inFlight: instance.inFlight + (other?.inFlight ?? 0),
    };
  });
}
