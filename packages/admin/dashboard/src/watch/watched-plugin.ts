import type { Plugin, PluginWithSeries, Sample, StateChange } from "@servehttp/admin";
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Columns, windowMs, withSample } from "../model/columns.js";
import type { StateBegin } from "../model/timeline.js";

/** A plugin as the page sees it. Each part changes by itself, so that little is drawn anew. */
export class WatchedPlugin {
  readonly id: string;
  readonly #status: Signal<Plugin>;
  readonly #columns: Signal<Columns>;
  readonly #changes: Signal<readonly StateBegin[]>;
  readonly #news = signal<StateChange | undefined>(undefined);

  constructor({ series, changes, ...plugin }: PluginWithSeries) {
    this.id = plugin.id;
    this.#status = signal(plugin);
    this.#columns = signal(series);
    this.#changes = signal(changes.map(beginOf));
  }

  get status(): ReadonlySignal<Plugin> {
    return this.#status;
  }

  /** Its last samples. */
  get columns(): ReadonlySignal<Columns> {
    return this.#columns;
  }

  /** The states of the last minutes, oldest first. */
  get changes(): ReadonlySignal<readonly StateBegin[]> {
    return this.#changes;
  }

  /** The last change that came while the page was open, with its reason. */
  get news(): ReadonlySignal<StateChange | undefined> {
    return this.#news;
  }

  update(plugin: Plugin, change: StateChange | null): void {
    this.#status.value = plugin;
    if (change !== null) {
      const begin = beginOf(change);
      const known = this.#changes.value.filter(({ atUnixMs }) => atUnixMs !== begin.atUnixMs);
      this.#changes.value = recent([...known, begin]);
      this.#news.value = change;
    }
  }

  addSample(sample: Sample): void {
    this.#columns.value = withSample(this.#columns.value, sample);
  }
}

function beginOf({ at, state }: Pick<StateChange, "at" | "state">): StateBegin {
  return { atUnixMs: Date.parse(at), state };
}

/** What the charts show, and the change before that. */
function recent(changes: readonly StateBegin[]): readonly StateBegin[] {
  const oldest = (changes.at(-1)?.atUnixMs ?? 0) - windowMs;
  return changes.filter((_, index) => (changes[index + 1]?.atUnixMs ?? Infinity) >= oldest);
}
