import { ManualClock, SeededRandom, turns, until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { slicesMax } from "../limits.js";
import type { EndpointSlice } from "./endpoint-slice.js";
import { type SliceApi, type SliceEvent, watchSlices } from "./watch-slices.js";

class TooOld extends Error {}

const sliceOf = (name: string): EndpointSlice => ({
  name,
  addressType: "IPv4",
  ports: [],
  endpoints: [],
});
const put = (name: string, version: string): SliceEvent => ({
  kind: "put",
  slice: sliceOf(name),
  version,
});

/** An API server in memory: what it answers is set before it is asked, or told while it is. */
class MemoryApi implements SliceApi {
  readonly asked: string[] = [];
  /** Each list, or what it fails with. */
  readonly lists: (readonly [version: string, names: readonly string[]] | Error)[] = [];
  /** What each watch says before it ends, or fails with. `forever` has it go on. */
  readonly watches: (readonly (readonly SliceEvent[] | Error | "forever")[])[] = [];
  open = 0;

  async list(): Promise<{ slices: readonly EndpointSlice[]; version: string }> {
    this.asked.push("list");
    const next = this.lists.shift() ?? new Error("no list is left");
    if (next instanceof Error) {
      throw next;
    }
    const [version, names] = next;
    return { version, slices: names.map(sliceOf) };
  }

  async *watch(version: string, signal: AbortSignal): AsyncGenerator<readonly SliceEvent[]> {
    this.asked.push(`watch ${version}`);
    this.open += 1;
    try {
      const [first, ...rest] = this.watches.shift() ?? ["forever"];
      if (!(first instanceof Error)) {
        yield [];
      }
      for (const said of [first, ...rest]) {
        if (said instanceof Error) {
          throw said;
        }
        if (said === "forever") {
          const { promise, reject } = Promise.withResolvers<never>();
          signal.addEventListener("abort", () => reject(signal.reason as Error));
          await promise;
        } else if (said !== undefined) {
          yield said;
        }
      }
    } finally {
      this.open -= 1;
    }
  }

  isTooOld(error: unknown): boolean {
    return error instanceof TooOld;
  }
}

class Run implements AsyncDisposable {
  readonly api = new MemoryApi();
  readonly clock = new ManualClock();
  readonly troubles: string[] = [];
  /** The names of the slices in each item. */
  readonly seen: (readonly string[])[] = [];
  opened = 0;
  readonly #stop = new AbortController();
  #done: Promise<void> | undefined;

  start(chance: () => number = () => 1): Promise<void> {
    this.#done = this.#follow(chance);
    // A test that is not interested in the error has it at its end.
    this.#done.catch(() => undefined);
    return this.#done;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("it has seen enough"));
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }

  async #follow(chance: () => number): Promise<void> {
    const slices = watchSlices(
      {
        api: this.api,
        clock: this.clock,
        chance,
        onOpen: () => (this.opened += 1),
        onTrouble: (error) => this.troubles.push((error as Error).message),
      },
      this.#stop.signal,
    );
    for await (const all of slices) {
      this.seen.push(all.map(({ name }) => name));
    }
  }
}

it("lists, then watches from there, and yields after each change", async () => {
  await using run = new Run();
  run.api.lists.push(["7", ["a", "b"]]);
  run.api.watches.push([
    [put("c", "8"), put("a", "9")],
    [{ kind: "remove", name: "b", version: "10" }],
    "forever",
  ]);
  void run.start();
  await until(() => run.seen.length === 3, "three items");
  expect(run.api.asked).toEqual(["list", "watch 7"]);
  // The one that changed last comes last.
  expect(run.seen).toEqual([
    ["a", "b"],
    ["b", "c", "a"],
    ["c", "a"],
  ]);
});

it("resumes where a watch ended, by its events and bookmarks", async () => {
  await using run = new Run();
  run.api.lists.push(["7", []]);
  run.api.watches.push(
    [[put("a", "8")]],
    [[{ kind: "bookmark", version: "20" }]],
    [[put("b", "21")], "forever"],
  );
  void run.start();
  await until(() => run.seen.length === 3, "three items");
  expect(run.api.asked).toEqual(["list", "watch 7", "watch 8", "watch 20"]);
  expect(run.seen).toEqual([[], ["a"], ["a", "b"]]);
  expect(run.troubles).toEqual([]);
});

it("lists anew at once where its version is too old", async () => {
  await using run = new Run();
  run.api.lists.push(["7", ["a", "b"]], ["50", ["b", "c"]]);
  run.api.watches.push(
    [[put("d", "8"), { kind: "error", error: new TooOld("too old") }]],
    [[put("e", "51")], "forever"],
  );
  void run.start();
  await until(() => run.seen.length === 3, "three items");
  expect(run.api.asked).toEqual(["list", "watch 7", "list", "watch 50"]);
  expect(run.seen).toEqual([
    ["a", "b"],
    ["b", "c"],
    ["b", "c", "e"],
  ]);
  expect(run.troubles).toEqual([]);
});

it("waits where lists are too old again and again", async () => {
  await using run = new Run();
  run.api.lists.push(["1", []], ["2", []], ["3", []]);
  run.api.watches.push([new TooOld("1")], [new TooOld("2")]);
  void run.start();
  await until(() => run.clock.waiting === 1, "the delay");
  expect(run.troubles).toEqual(["2"]);
  run.clock.advance(1_000);
  await until(() => run.api.asked.length === 6, "the third watch");
});

it("keeps what it has while the API server is gone, and waits longer each time, up to 30 s", async () => {
  await using run = new Run();
  run.api.lists.push(["7", ["a"]]);
  run.api.watches.push(["forever"]);
  const gone = Array.from({ length: 9 }, (_, at) => new Error(`gone ${at + 1}`));
  run.api.watches.splice(0, 1, [gone[0]!], [gone[1]!], [gone[2]!]);
  // After three failures in a row it begins anew.
  run.api.lists.push(...gone.slice(3), ["90", ["b"]]);
  void run.start();
  const waited: number[] = [];
  for (let failure = 1; failure <= 9; failure += 1) {
    await until(() => run.clock.waiting === 1, "a delay");
    const beganMs = run.clock.nowMs();
    while (run.clock.waiting === 1) {
      run.clock.advance(1);
    }
    waited.push(run.clock.nowMs() - beganMs);
  }
  expect(waited).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  await until(() => run.seen.length === 2, "the list that follows");
  expect(run.seen).toEqual([["a"], ["b"]]);
  expect(run.troubles).toEqual(gone.map(({ message }) => message));
  expect(run.api.asked.slice(0, 4)).toEqual(["list", "watch 7", "watch 7", "watch 7"]);
  expect(run.api.asked.slice(4)).toEqual([...Array<string>(7).fill("list"), "watch 90"]);
});

it("waits for half of a delay at least, as chance has it", async () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 20; round += 1) {
    await using run = new Run();
    run.api.lists.push(["7", []]);
    run.api.watches.push([new Error("gone")]);
    void run.start(() => random.integer(0, 1_000) / 1_000);
    await until(() => run.clock.waiting === 1, "the delay");
    run.clock.advance(249);
    expect(run.clock.waiting).toBe(1);
    run.clock.advance(251);
    expect(run.clock.waiting).toBe(0);
  }
});

it("begins with the shortest delay again once a watch has said something", async () => {
  await using run = new Run();
  run.api.lists.push(["7", []]);
  run.api.watches.push([new Error("1")], [new Error("2")], [[put("a", "8")], new Error("3")]);
  void run.start();
  for (const ms of [500, 1_000]) {
    await until(() => run.clock.waiting === 1, "a delay");
    run.clock.advance(ms);
  }
  await until(() => run.troubles.length === 3, "the third");
  await until(() => run.clock.waiting === 1, "a delay");
  run.clock.advance(500);
  expect(run.clock.waiting).toBe(0);
});

it("takes a watch that is closed as soon as it is open for a failure", async () => {
  await using run = new Run();
  run.api.lists.push(["7", []]);
  run.api.watches.push([]);
  void run.start();
  await until(() => run.clock.waiting === 1, "the delay");
  expect(run.troubles).toEqual(["the API server closes the watch as soon as it is open"]);
  expect(run.opened).toBe(1);
});

it("throws what the first list fails with, since nobody has anything to keep", async () => {
  await using run = new Run();
  run.api.lists.push(new Error("forbidden"));
  await expect(run.start()).rejects.toThrow("forbidden");
  expect(run.clock.waiting).toBe(0);
});

it("refuses more slices than any Service has, and keeps those it has", async () => {
  await using run = new Run();
  run.api.lists.push(["7", Array.from({ length: slicesMax }, (_, at) => `slice-${at}`)]);
  run.api.watches.push([[put("slice-0", "8")], [put("one-more", "9")]]);
  void run.start();
  await until(() => run.troubles.length === 1, "the refusal");
  expect(run.troubles[0]).toMatch(/more than 2000 EndpointSlices/);
  expect(run.seen.at(-1)).toHaveLength(slicesMax);
});

it("ends when the signal aborts: while it watches, and while it waits", async () => {
  await using watching = new Run();
  watching.api.lists.push(["7", []]);
  const watched = watching.start();
  await until(() => watching.api.open === 1, "the watch");
  await watching.stop();
  await watched;
  expect(watching.api.open).toBe(0);

  await using waiting = new Run();
  waiting.api.lists.push(["7", []]);
  waiting.api.watches.push([new Error("gone")]);
  const waited = waiting.start();
  await until(() => waiting.clock.waiting === 1, "the delay");
  await waiting.stop();
  await waited;
  await turns(5);
  expect(waiting.clock.waiting).toBe(0);
  expect(waiting.api.asked).toEqual(["list", "watch 7"]);
});
