import { ServeHTTPError } from "@servehttp/contract";
import { ManualClock, randomRuns, turns } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Destination } from "../exchange/destination.js";
import { steadyMs } from "../limits.js";
import { readHostOptions, readPluginOptions } from "../options/read-options.js";
import { MemoryExchange, memoryInstances, type MemoryRun } from "../test-rig/memory-run.js";
import type { ConnectedPlugin } from "./connected-plugin.js";
import { type OutsideSettings, PluginSet } from "./plugin-set.js";

/** What may happen to the plugins of a host, from its owner, its clients and the plugins. */
type Step =
  | { readonly kind: "start" | "stop" | "stop-now" }
  | { readonly kind: "add" | "remove" | "reload"; readonly id: string }
  | { readonly kind: "request"; readonly id: string }
  | { readonly kind: "rise" | "fail" | "lose" | "close" | "hang"; readonly run: number }
  | { readonly kind: "leave" | "end" | "hijack"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "turn" };

const ids = ["a", "b"];
const id = fc.constantFrom(...ids);
const index = fc.nat(7);

const one = <const Kind extends Step["kind"]>(...kinds: Kind[]) => fc.constantFrom(...kinds);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: one("start", "stop", "stop-now") }),
  fc.record({ kind: one("add", "remove", "reload", "reload"), id }),
  { weight: 4, arbitrary: fc.record({ kind: one("request"), id }) },
  { weight: 4, arbitrary: fc.record({ kind: one("rise"), run: index }) },
  { weight: 2, arbitrary: fc.record({ kind: one("fail", "lose", "close", "hang"), run: index }) },
  { weight: 2, arbitrary: fc.record({ kind: one("leave", "end", "hijack"), which: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: one("pass"),
      ms: fc.constantFrom(1, 100, steadyMs, 5_000, 30_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: one("turn") }) },
);

/** A request that waits, or has waited. */
interface Waiting {
  readonly plugin: string;
  readonly leave: () => void;
  readonly sinceMs: number;
  hasLeft: boolean;
  went: number;
}

/** The plugins of a host, and what must hold of them whatever happens. */
class Model {
  readonly clock = new ManualClock();
  readonly runs: MemoryRun[] = [];
  readonly plugins: PluginSet;
  readonly #waiting: Waiting[] = [];
  readonly #exchanges: MemoryExchange[] = [];
  /** What was called and has not settled. */
  readonly #calls = new Set<Promise<unknown>>();
  #stops = 0;

  constructor(instances: number) {
    const { clock, runs } = this;
    this.plugins = new PluginSet({
      chunkBytes: 65_536,
      logger: silent,
      clock,
      makeInstances: (_settings, shared, watch) =>
        memoryInstances(runs, clock, instances)(shared, watch),
      onStopped: async () => {
        this.#stops += 1;
      },
    });
  }

  add(plugin: string): void {
    const given = { command: ["node"], limits: { maxWaiting } };
    this.plugins.add(readPluginOptions(plugin, given, readHostOptions({})) as OutsideSettings);
  }

  async apply(now: Step): Promise<void> {
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
        this.#call(this.plugins.remove(now.id));
        break;
      case "reload":
        this.#call(this.plugins.reload(now.id));
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
      expect(went).toBeLessThanOrEqual(1);
      if (!hasLeft && went === 0) {
        expect(this.clock.nowMs() - sinceMs).toBeLessThanOrEqual(waitMs);
        // It waits only where whoever comes now waits, too, or finds all places taken.
        expect(this.plugins.destination(plugin)).toMatchObject(
          this.#waitFor(plugin) < maxWaiting
            ? { kind: "wait" }
            : { kind: "refused", error: { code: "overload" } },
        );
      }
    }
    this.#breakWhatWasLost();
    const inFlight = this.plugins.statuses.reduce((sum, status) => sum + status.inFlight, 0);
    const running = this.#exchanges.filter((exchange) => !exchange.isOver);
    expect(inFlight).toBeLessThanOrEqual(running.length);
    for (const exchange of running) {
      // What runs may end where it runs: its connection is not closed under it.
      expect(this.runs.some((run) => run.connected === exchange.on && run.isClosed)).toBe(false);
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
    expect(this.#calls.size).toBe(0);
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
    for (const status of this.plugins.statuses) {
      expect(status.state).toBe("ready");
      expect(this.plugins.destination(status.id).kind).toBe("exchange");
    }
  }

  /** Stopped, it leaves nothing. */
  async leavesNothing(): Promise<void> {
    this.#call(this.plugins.stopAll(undefined));
    await this.settle();
    expect(this.runs.filter((run) => !run.isEnded)).toEqual([]);
    expect(this.#exchanges.filter((exchange) => !exchange.isOver)).toEqual([]);
    expect(this.plugins.statuses.map(({ state }) => state)).toEqual(
      this.plugins.statuses.map(() => "stopped"),
    );
    expect([this.clock.waiting, this.#stops > 0]).toEqual([0, true]);
    expect(this.#waiting.every(({ hasLeft, went }) => hasLeft || went === 1)).toBe(true);
  }

  /** Lets time pass, and plugins answer their health checks meanwhile. */
  async #pass(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
      this.clock.advance(Math.min(leftMs, 1_000));
      await turns(1);
    }
  }

  #waitFor(id: string): number {
    return this.#waiting.filter(
      ({ hasLeft, plugin, went }) => plugin === id && !hasLeft && went === 0,
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

  /** Nobody waits for it here; what it rejects with must be an error of ours. */
  #call(promise: Promise<unknown>): void {
    const settled = promise.catch((error: unknown) => {
      expect(error).toBeInstanceOf(ServeHTTPError);
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
        expect(next.kind).not.toBe("wait");
        // It has its place.
        expect(next).not.toMatchObject({ error: { code: "overload" } });
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

const maxWaiting = 2;
const { waitMs } = readHostOptions({}).timeouts;

const silent = {
  debug(): void {},
  info(): void {},
  warn(): void {},
  error(): void {},
};

describe("PluginSet", () => {
  it("comes up and leaves nothing, whatever was started, stopped, reloaded, added and removed when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        fc.array(step, { maxLength: 100, size: "max" }),
        async (instances, steps) => {
          const model = new Model(instances);
          for (const plugin of ids) {
            model.add(plugin);
          }
          for (const now of steps) {
            await model.apply(now);
          }
          await model.settle();
          await model.comesUp();
          await model.leavesNothing();
        },
      ),
      randomRuns(1_000),
    );
  });
});
