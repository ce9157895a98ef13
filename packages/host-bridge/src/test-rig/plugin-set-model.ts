import { strict as assert } from "node:assert";
import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, turns } from "@servehttp/testkit";
import type { Destination } from "../exchange/destination.js";
import {
  type CommandSettings,
  readHostOptions,
  readPluginOptions,
} from "../options/read-options.js";
import type { ConnectedPlugin } from "../plugin/connected-plugin.js";
import { type OutsideSettings, PluginSet } from "../plugin/plugin-set.js";
import { Mounts } from "../routing/mounts.js";
import { MemoryExchange, memoryInstances, type MemoryRun } from "./memory-run.js";

/** What may happen to the plugins of a host, from its owner, its clients and the plugins. */
export type PluginSetStep =
  | { readonly kind: "start" | "stop" | "stop-now" }
  | { readonly kind: "add" | "remove" | "reload"; readonly id: string }
  | { readonly kind: "apply"; readonly versions: Readonly<Record<string, number>> }
  | { readonly kind: "request"; readonly id: string }
  | { readonly kind: "rise" | "fail" | "lose" | "close" | "hang"; readonly run: number }
  | { readonly kind: "leave" | "end" | "hijack"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "turn" };

/** A request that waits, or has waited. */
interface Waiting {
  readonly plugin: string;
  readonly leave: () => void;
  readonly sinceMs: number;
  hasLeft: boolean;
  went: number;
}

/** The plugins of a host, and what must hold of them whatever happens. */
export class PluginSetModel {
  readonly clock = new ManualClock();
  readonly runs: MemoryRun[] = [];
  readonly plugins: PluginSet;
  readonly #waiting: Waiting[] = [];
  readonly #exchanges: MemoryExchange[] = [];
  /** What was called and has not settled. */
  readonly #calls = new Set<Promise<unknown>>();
  #stops = 0;
  /** What the plugins of the host must be when nothing is under way: their options by their ids. */
  #expected: ReadonlyMap<string, string> = new Map();
  #isApplying = false;

  constructor(instances: number) {
    const { clock, runs } = this;
    this.plugins = new PluginSet({
      chunkBytes: 65_536,
      logger: silent,
      clock,
      mounts: new Mounts("/plugins", ""),
      makeInstances: (settings, shared, watch) =>
        memoryInstances(runs, clock, instances, versionOf(settings))(shared, watch),
      onReady: () => undefined,
      onStopped: async () => {
        this.#stops += 1;
      },
    });
  }

  add(plugin: string): void {
    this.plugins.add(settingsOf(plugin, "0"));
    this.#expected = new Map([...this.#expected, [plugin, "0"]]);
  }

  async apply(now: PluginSetStep): Promise<void> {
    if (this.#isApplying && mustWait.has(now.kind)) {
      return;
    }
    switch (now.kind) {
      case "start":
        this.#call(this.plugins.startAll());
        break;
      case "stop":
        this.#call(this.plugins.stopAll(undefined));
        break;
      case "stop-now":
        this.#call(this.plugins.stopAll(0));
        break;
      case "add":
        this.#call(this.#addAndStart(now.id));
        break;
      case "remove":
        this.#expected = new Map([...this.#expected].filter(([one]) => one !== now.id));
        this.#call(this.plugins.remove(now.id));
        break;
      case "apply":
        this.#call(this.#applyVersions(now.versions));
        break;
      case "reload":
        this.#call(this.plugins.reload(now.id).then(({ drained }) => drained));
        break;
      case "request":
        this.#request(now.id);
        break;
      case "rise":
        this.#run(now.run)?.rise();
        break;
      case "fail":
        this.#run(now.run)?.fail();
        break;
      case "lose":
        this.#run(now.run)?.lose();
        break;
      case "close":
        this.#run(now.run)?.lose("plugin-closing");
        break;
      case "hang":
        this.#run(now.run)?.lose("deadline");
        break;
      case "leave":
        this.#leave(now.which);
        break;
      case "end":
        this.#end(now.which);
        break;
      case "hijack":
        this.#exchanges[now.which]?.hijack();
        break;
      case "pass":
        await this.#pass(now.ms);
        break;
      case "turn":
        await turns(1);
    }
    this.check();
  }

  /** What must hold at any moment. */
  check(): void {
    for (const { hasLeft, plugin, sinceMs, went } of this.#waiting) {
      assert(went <= 1);
      if (!hasLeft && went === 0) {
        assert(this.clock.nowMs() - sinceMs <= waitMs);
        // It waits only where whoever comes now waits, too, or finds all places taken.
        const next = this.plugins.destination(plugin);
        assert(this.#waitFor(plugin) < maxWaiting ? next.kind === "wait" : isOverload(next));
      }
    }
    this.#breakWhatWasLost();
    const inFlight = this.plugins.statuses.reduce((sum, status) => sum + status.inFlight, 0);
    const running = this.#exchanges.filter((exchange) => !exchange.isOver);
    // Those count as well that run on a plugin which `apply` has taken away.
    const all = new Set(this.runs.map(({ counts }) => counts));
    const counted = [...all].reduce((sum, { exchanges }) => sum + exchanges, 0);
    assert.equal(counted, running.length);
    assert(inFlight <= counted);
    for (const exchange of running) {
      // What runs may end where it runs: its connection is not closed under it.
      assert(!this.runs.some((run) => run.connected === exchange.on && run.isClosed));
    }
  }

  /** Lets everything come to an end that was called, the plugins doing what they should. */
  async settle(): Promise<void> {
    for (let round = 0; round < 100 && this.#calls.size > 0; round += 1) {
      for (const run of this.runs) {
        run.rise();
      }
      await turns(2);
      this.clock.advance(1_000);
      await turns(2);
    }
    assert.equal(this.#calls.size, 0);
    this.check();
  }

  /** Whatever happened: started now, every plugin becomes ready and takes requests. */
  async comesUp(): Promise<void> {
    this.#call(this.plugins.startAll());
    await this.settle();
    // What was lost just now, or failed, is started again.
    for (let round = 0; round < 100; round += 1) {
      for (const run of this.runs) {
        run.rise();
      }
      await turns(2);
      this.clock.advance(1_000);
    }
    const found = new Map<string, string | undefined>();
    for (const status of this.plugins.statuses) {
      assert.equal(status.state, "ready");
      const destination = this.plugins.destination(status.id);
      assert(destination.kind === "exchange");
      const run = this.runs.find(({ connected }) => connected === destination.plugin);
      found.set(status.id, run?.version);
    }
    assert.deepEqual(Object.fromEntries(found), Object.fromEntries(this.#expected));
  }

  /** Stops it. Resolves with what is left then: processes, exchanges, timers, waiting requests. */
  async leftWhenStopped(): Promise<readonly unknown[]> {
    this.#call(this.plugins.stopAll(undefined));
    await this.settle();
    assert(this.#stops > 0);
    return [
      ...this.runs.filter((run) => !run.isEnded).map(({ pid }) => `run ${pid}`),
      ...this.#exchanges.filter((exchange) => !exchange.isOver).map(() => "an exchange"),
      ...this.plugins.statuses.filter(({ state }) => state !== "stopped"),
      ...Array.from({ length: this.clock.waiting }, () => "a timer"),
      ...this.#waiting.filter(({ hasLeft, went }) => !hasLeft && went !== 1),
    ];
  }

  /** Lets time pass, and plugins answer their health checks meanwhile. */
  async #pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
      this.clock.advance(Math.min(leftMs, 1_000));
      await turns(1);
    }
  }

  #waitFor(which: string): number {
    return this.#waiting.filter(
      ({ hasLeft, plugin, went }) => plugin === which && !hasLeft && went === 0,
    ).length;
  }

  /** As a connection does that is closed over a crash: what runs on it ends with it. */
  #breakWhatWasLost(): void {
    for (const exchange of this.#exchanges) {
      const run = this.runs.find(({ connected }) => connected === exchange.on);
      if (
        run?.isClosed === true &&
        run.lostCode !== undefined &&
        run.lostCode !== "plugin-closing"
      ) {
        exchange.end();
      }
    }
  }

  async #addAndStart(plugin: string): Promise<void> {
    this.add(plugin);
    await this.plugins.start(plugin);
  }

  /** All of it happens, or nothing. */
  async #applyVersions(versions: Readonly<Record<string, number>>): Promise<void> {
    const next = new Map(
      Object.entries(versions).map(([id, version]) => [id, settingsOf(id, String(version))]),
    );
    const before = this.plugins.statuses.map(({ id }) => id);
    this.#isApplying = true;
    try {
      const { drained } = await this.plugins.apply(next, () => {
        this.#expected = new Map(Array.from(next, ([id, { env }]) => [id, env["V"] ?? ""]));
      });
      this.#call(drained);
    } catch (error) {
      const after = this.plugins.statuses.map(({ id }) => id);
      assert(after.every((id) => before.includes(id)));
      throw error;
    } finally {
      this.#isApplying = false;
    }
  }

  /** Nobody waits for it here; what it rejects with must be an error of ours. */
  #call(promise: Promise<unknown>): void {
    const settled = promise.catch((error: unknown) => {
      assert(error instanceof ServeHTTPError);
    });
    this.#calls.add(settled);
    void settled.then(() => this.#calls.delete(settled));
  }

  #run(which: number): MemoryRun | undefined {
    return this.runs[this.runs.length - 1 - which];
  }

  #request(plugin: string): void {
    const destination = this.plugins.destination(plugin);
    if (destination.kind !== "wait") {
      this.#go(destination);
      return;
    }
    const waiting: Waiting = {
      plugin,
      sinceMs: this.clock.nowMs(),
      hasLeft: false,
      went: 0,
      leave: destination.wait((next) => {
        // It has its place.
        assert(next.kind !== "wait" && !isOverload(next));
        waiting.went += 1;
        this.#go(next);
      }),
    };
    this.#waiting.push(waiting);
  }

  #go(destination: Destination): void {
    if (destination.kind === "exchange") {
      this.#exchanges.push(new MemoryExchange(destination.plugin as ConnectedPlugin));
    }
  }

  #leave(which: number): void {
    const waiting = this.#waiting[which];
    if (waiting !== undefined && waiting.went === 0) {
      waiting.leave();
      waiting.hasLeft = true;
    }
  }

  #end(which: number): void {
    const [exchange] = this.#exchanges.splice(which, 1);
    exchange?.end();
  }
}

function isOverload(destination: Destination): boolean {
  return destination.kind === "refused" && destination.error.code === "overload";
}

/** What the host does not do while it applies options. */
const mustWait: ReadonlySet<PluginSetStep["kind"]> = new Set(["start", "add", "remove", "apply"]);

function settingsOf(id: string, version: string): CommandSettings {
  const given = { command: ["node"], env: { V: version }, limits: { maxWaiting } };
  return readPluginOptions(id, given, readHostOptions({})) as CommandSettings;
}

function versionOf(settings: OutsideSettings): string {
  return settings.kind === "command" ? (settings.env["V"] ?? "") : "";
}

const maxWaiting = 2;
const { waitMs } = readHostOptions({}).timeouts;

const silent = {
  debug(): void {},
  info(): void {},
  warn(): void {},
  error(): void {},
};
