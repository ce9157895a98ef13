import type { CaseReport } from "./bench-report.js";
import type { BenchCase, Sample, Scale } from "./cases/bench-case.js";
import type { RunningTarget, Target } from "./targets/target.js";

/** How much of a sample the warm-up is, where its case does not say. */
const warmUpShare = 0.25;

/**
 * Measures one case on all targets. Every round takes each target once, so that what changes on the
 * machine in the course of a run changes for all of them; the order moves on by one each round, so
 * that nobody always follows the same neighbour. A target that fails is out of this case, with its
 * reason.
 */
export async function runCase(
  benchCase: BenchCase,
  targets: readonly Target[],
  rounds: number,
  scale: Scale,
  log: (line: string) => void,
): Promise<CaseReport> {
  await using contenders = new AsyncDisposableStack();
  const field = targets
    .filter((target) => takesPart(target, benchCase))
    .map((target) => contenders.use(new Contender(target, benchCase)));
  const roundCount = Math.min(rounds, benchCase.roundsMax ?? rounds);
  for (const contender of field) {
    await contender.warmUp(scale);
  }
  for (let round = 0; round < roundCount; round++) {
    for (let place = 0; place < field.length; place++) {
      const contender = field[(place + round) % field.length];
      await contender?.sample(scale);
    }
    log(`  round ${round + 1} of ${roundCount}`);
  }
  return {
    name: benchCase.name,
    title: benchCase.title,
    metrics: benchCase.metrics,
    samples: Object.fromEntries(
      benchCase.metrics.map(({ name }) => [
        name,
        Object.fromEntries(field.map((contender) => [contender.name, contender.column(name)])),
      ]),
    ),
    failures: Object.fromEntries(
      field.flatMap(({ name, failure }) => (failure === undefined ? [] : [[name, failure]])),
    ),
  };
}

function takesPart({ name, namedOnly }: Target, { targets }: BenchCase): boolean {
  return targets?.includes(name) ?? namedOnly !== true;
}

/** A target in one case: its processes, and what was measured of it. */
class Contender implements AsyncDisposable {
  readonly #target: Target;
  readonly #case: BenchCase;
  readonly #samples: Array<Sample | undefined> = [];
  #running: RunningTarget | undefined;
  failure: string | undefined;

  constructor(target: Target, benchCase: BenchCase) {
    this.#target = target;
    this.#case = benchCase;
  }

  get name(): string {
    return this.#target.name;
  }

  column(metric: string): Array<number | null> {
    return this.#samples.map((sample) => {
      const value = sample?.[metric] ?? Number.NaN;
      return Number.isFinite(value) ? value : null;
    });
  }

  async warmUp({ seconds, bulkBytes }: Scale): Promise<void> {
    if (this.#case.fresh !== true) {
      await this.#attempt({
        seconds: this.#case.warmUpSeconds ?? Math.max(1, Math.round(seconds * warmUpShare)),
        bulkBytes: Math.round(bulkBytes * warmUpShare * warmUpShare),
      });
    }
  }

  async sample(scale: Scale): Promise<void> {
    this.#samples.push(await this.#attempt(scale));
    if (this.#case.fresh === true) {
      await this[Symbol.asyncDispose]();
    }
  }

  async #attempt(scale: Scale): Promise<Sample | undefined> {
    if (this.failure !== undefined) {
      return undefined;
    }
    try {
      this.#running ??= await this.#target.start(this.#case.start);
      return await this.#case.measure(this.#running, scale);
    } catch (error) {
      this.failure = (error as Error).message;
      await this[Symbol.asyncDispose]();
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    this.#running = undefined;
  }
}
