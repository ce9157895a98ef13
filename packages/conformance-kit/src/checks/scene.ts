import { setTimeout as delay } from "node:timers/promises";
import type { PluginProcess } from "../plugin/plugin-process.js";
import type { PluginUnderTest } from "../plugin/plugin-under-test.js";
import type { Deadline } from "../wire/deadline.js";
import type { Exchange } from "../wire/exchange.js";
import type { CarrierName, Host } from "../wire/host.js";
import type { RequestInit, RequestParts } from "../wire/messages.js";
import { MuxHost } from "../wire/mux-host.js";
import { StreamHost } from "../wire/stream-host.js";
import { expectEqual } from "./expect.js";
import { Opened } from "./opened.js";
import { SceneRandom } from "./scene-random.js";

/** What the route /describe says of its request. */
export interface Described {
  readonly method: string;
  readonly url: string;
  readonly basePath: string;
  readonly requestUri: string;
  readonly protocol: string;
  readonly scheme: string;
  readonly host: string;
  readonly remoteAddress: string;
  readonly contentLength: number | null;
  readonly deadlineMs: number | null;
  readonly id: string;
  readonly context: Readonly<Record<string, string>>;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly trailers: readonly (readonly [string, string])[];
}

/** What the route /seen says of a request of /steps. */
export interface Seen {
  readonly state: "running" | "returned" | "failed";
  readonly read: number;
  readonly readSha256: string;
  readonly body: "open" | "ended" | "cut";
  readonly written: number;
  readonly aborted: string;
}

/** A request of /steps that was opened. */
export interface Stepping {
  readonly key: string;
  readonly exchange: Exchange;
}

/** What one run of a check is told. */
export interface SceneOptions {
  readonly carrier: CarrierName;
  readonly deadline: Deadline;
  readonly seed: string;
  readonly echoes: boolean;
}

const lookEveryMs = 20;

/** What one check works with: connections of its own, and the routes. */
export class Scene implements AsyncDisposable {
  readonly carrier: CarrierName;
  readonly deadline: Deadline;
  readonly plugin: PluginUnderTest;
  /** The exchanges that the check itself has opened. */
  readonly exchanges: Exchange[] = [];
  readonly #random: SceneRandom;
  readonly #echoes: boolean;
  readonly #opened = new Opened();
  #host: Host | undefined;
  #control: Host | undefined;

  /** `echoes`: the plugin serves no routes, and echoes whatever it is asked. */
  constructor(plugin: PluginUnderTest, { carrier, deadline, seed, echoes }: SceneOptions) {
    this.plugin = plugin;
    this.carrier = carrier;
    this.deadline = deadline;
    this.#random = new SceneRandom(seed);
    this.#echoes = echoes;
  }

  /** Opens the connection that the check works on. */
  async begin(): Promise<void> {
    this.#host = await this.newHost();
  }

  /** The connection that the check works on. */
  get host(): Host {
    if (this.#host === undefined) {
      throw new Error("the scene has not begun");
    }
    return this.#host;
  }

  /** The plugin's process. Checks that use it say so. */
  get process(): PluginProcess {
    if (this.plugin.process === undefined) {
      throw new Error("the plugin is not a process of the kit's");
    }
    return this.plugin.process;
  }

  /** Another connection on the same carrier. `windowBytes` is the window of its streams. */
  async newHost(windowBytes?: number, token?: string): Promise<Host> {
    const connection = await this.plugin.connect(windowBytes, token);
    return this.#opened.use(
      this.carrier === "stream"
        ? new StreamHost(connection, this.deadline)
        : new MuxHost(connection, this.deadline),
    );
  }

  /** Its connection on mux. Only for checks of mux. */
  get mux(): MuxHost {
    if (!(this.host instanceof MuxHost)) {
      throw new TypeError("this check is of mux alone");
    }
    return this.host;
  }

  /** Something to be closed behind the check. */
  use<T extends Disposable>(opened: T): T {
    return this.#opened.use(opened);
  }

  /** A name that no other exchange of this run has. */
  key(): string {
    return this.#random.key();
  }

  /** Random bytes, the same for the same seed of the run. */
  random(sizeBytes: number, label = ""): Buffer {
    return this.#random.bytes(sizeBytes, label);
  }

  /** The head of a request. */
  init(url: string, more: Partial<RequestInit> = {}): RequestInit {
    return {
      method: "GET",
      url,
      requestUri: `/plugins/conformance${url}`,
      protocol: "HTTP/1.1",
      protocolMajor: 1,
      protocolMinor: 1,
      host: "plugin.example",
      remoteAddr: "192.0.2.7:4711",
      scheme: "http",
      basePath: "/plugins/conformance",
      requestId: this.key(),
      contentLength: 0n,
      ...more,
    } as RequestInit;
  }

  /** Opens an exchange. */
  open(parts: RequestParts, host: Host = this.host): Exchange {
    const exchange = host.open(parts);
    this.exchanges.push(exchange);
    return exchange;
  }

  /** Opens a GET of /steps, or, with `more`, another request of it. */
  steps(steps: readonly string[], more: Partial<RequestInit> = {}, host = this.host): Stepping {
    const key = this.key();
    const init = this.init(`/steps/${key}?${steps.join("&")}`, more);
    const bodyless = init.contentLength === 0n;
    return { key, exchange: this.open({ init, ...(bodyless && { end: {} }) }, host) };
  }

  /** Opens a POST of /steps of unknown length, whose body is still to be sent. */
  upload(steps: readonly string[], more: Partial<RequestInit> = {}, host = this.host): Stepping {
    return this.steps(steps, { method: "POST", contentLength: -1n, ...more }, host);
  }

  /** Sends a body in chunks, and the end. */
  async sendBody(exchange: Exchange, body: Uint8Array, chunkBytes = 65_536): Promise<void> {
    for (let at = 0; at < body.length; at += chunkBytes) {
      await exchange.send({ chunk: body.subarray(at, at + chunkBytes) });
    }
    await exchange.send({ end: {} });
  }

  /** What /describe says of a request with these parts. */
  async described(parts: RequestParts, host: Host = this.host): Promise<Described> {
    return await this.description(this.open(parts, host));
  }

  /** What an exchange with /describe has come to. */
  async description(exchange: Exchange): Promise<Described> {
    const { status } = await exchange.complete();
    expectEqual(status, 200, "the status of /describe");
    return JSON.parse(exchange.body.toString("utf8")) as Described;
  }

  /** Lets a request of /steps pass its `wait`. */
  async go(key: string): Promise<void> {
    const { status } = await (await this.#ask(`/go/${key}`)).complete();
    expectEqual(status, 200, "the status of /go");
  }

  /** What /seen says; undefined where the plugin has not seen the request. */
  async seen(key: string): Promise<Seen | undefined> {
    const exchange = await this.#ask(`/seen/${key}`);
    const { status } = await exchange.complete();
    return status === 200 ? (JSON.parse(exchange.body.toString("utf8")) as Seen) : undefined;
  }

  /** Asks /seen until it says so. */
  async untilSeen(key: string, what: string, condition: (seen: Seen) => boolean): Promise<Seen> {
    let last: Seen | undefined;
    while (!this.deadline.isPast) {
      try {
        last = await this.seen(key);
      } catch (error) {
        if (this.deadline.isPast) {
          break;
        }
        throw error;
      }
      if (last !== undefined && condition(last)) {
        return last;
      }
      await delay(lookEveryMs);
    }
    throw new Error(
      `waited ${this.deadline.seconds} s for ${what}; the handler says ${JSON.stringify(last ?? "nothing")}`,
    );
  }

  /** Waits until a number has stopped growing, as back-pressure makes it do. */
  async settled(count: () => number | Promise<number>): Promise<number> {
    let last = await count();
    for (let same = 0; same < 10; same += 1) {
      await delay(lookEveryMs);
      const now = await count();
      if (now !== last) {
        same = -1;
        last = now;
      }
    }
    return last;
  }

  /** Fails unless the plugin serves on, on the connection of the check. */
  async servesOn(host: Host = this.host): Promise<void> {
    if (this.#echoes) {
      const exchange = this.open({ init: this.init("/on"), end: {} }, host);
      expectEqual((await exchange.complete()).status, 200, "the status of a request behind it");
      return;
    }
    const { url } = await this.described({ init: this.init("/describe/on"), end: {} }, host);
    expectEqual(url, "/describe/on", "a request behind it");
  }

  /** Fails where the plugin broke a rule of mux on the connection of the check. */
  noViolation(): void {
    if (this.host instanceof MuxHost && this.host.violation !== undefined) {
      throw new Error(`the plugin broke a rule of mux: ${this.host.violation}`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#opened[Symbol.dispose]();
    return Promise.resolve();
  }

  async #ask(url: string): Promise<Exchange> {
    this.#control ??= await this.newHost();
    return this.#control.open({ init: this.init(url), end: {} });
  }
}
