import { setTimeout as delay } from "node:timers/promises";
import { Http1Client } from "../client/http1-client.js";
import { Http2Client } from "../client/http2-client.js";
import { RawConnection } from "../client/raw-connection.js";
import type { HttpClient, TestRequest } from "../client/http-client.js";
import { expectEqual } from "../checks/expect.js";
import { Opened } from "../checks/opened.js";
import { SceneRandom } from "../checks/scene-random.js";
import type { PluginTraits, ServedPlugin } from "../served/served-plugin.js";
import type { ServedExchange } from "../served/served-exchange.js";
import type { Deadline } from "../wire/deadline.js";
import type { CarrierName } from "../wire/host.js";
import { Asked } from "./asked.js";
import type { HostUnderTest } from "./host-under-test.js";

const lookEveryMs = 20;

/** A request of a check. */
export interface SceneRequest extends Omit<TestRequest, "path"> {
  /** What stands behind the plugin's base path and the key of the exchange. Default: nothing. */
  readonly path?: string;
  /** Nothing of its body is taken at the plugin, until it is resumed. Default: false. */
  readonly isPaused?: boolean;
}

/** An exchange at both of its ends. */
export interface BothEnds {
  /** The request's url at the plugin, as it must be. */
  readonly url: string;
  readonly asked: Asked;
  readonly served: ServedExchange;
}

/** What is known of the host that is tested. */
export interface HostFacts {
  /** Whether the kit's client speaks HTTP/2. */
  readonly isHttp2: boolean;
  /** The field that the host alone sets. */
  readonly identity: string | undefined;
  readonly token: string | undefined;
  /** Its times for a head, and for silence, in seconds. */
  readonly headSeconds: number | undefined;
  readonly idleSeconds: number | undefined;
}

/** What one check of a host works with: clients of its own, and the plugin that the kit serves. */
export class HostScene implements AsyncDisposable {
  readonly carrier: CarrierName;
  readonly deadline: Deadline;
  readonly host: HostUnderTest;
  readonly plugin: ServedPlugin;
  readonly facts: HostFacts;
  readonly #random: SceneRandom;
  readonly #opened = new Opened();
  #client: HttpClient | undefined;
  #hasBehaved = false;

  constructor(
    host: HostUnderTest,
    plugin: ServedPlugin,
    facts: HostFacts,
    { carrier, deadline, seed }: { carrier: CarrierName; deadline: Deadline; seed: string },
  ) {
    this.host = host;
    this.plugin = plugin;
    this.facts = facts;
    this.carrier = carrier;
    this.deadline = deadline;
    this.#random = new SceneRandom(seed);
    plugin.begin(deadline);
  }

  /** The client of the check. */
  get client(): HttpClient {
    this.#client ??= this.newClient();
    return this.#client;
  }

  /** Another client, with connections of its own. */
  newClient(): HttpClient {
    const { server } = this.host;
    return this.use(this.facts.isHttp2 ? new Http2Client(server) : new Http1Client(server));
  }

  /** A connection on which the check sends every byte itself. */
  async raw(): Promise<RawConnection> {
    return this.use(await RawConnection.open(this.host.server));
  }

  /** The plugin behaves like this for the rest of the check, and the host has connected anew. */
  async behave(traits: PluginTraits): Promise<void> {
    this.#hasBehaved = true;
    this.plugin.behave(traits);
    await this.recovers();
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

  /** Sends a request, without waiting for it at the plugin. */
  ask(path: string, request: SceneRequest = {}, client: HttpClient = this.client): Asked {
    const asked = { ...request, path: `${this.host.base}${path}` };
    return new Asked(client.open(asked), asked, this.deadline, this.plugin.trace);
  }

  /** Opens an exchange, and waits for it at the plugin. */
  async exchange(request: SceneRequest = {}, client: HttpClient = this.client): Promise<BothEnds> {
    const { path, arrival } = this.expect(request);
    const asked = this.ask(path, request, client);
    let served: ServedExchange | undefined;
    void arrival.then((exchange) => {
      served = exchange;
      this.deadline.changed();
    });
    await this.deadline.until("the request at the plugin", () => {
      return served !== undefined || asked.isAnswered;
    });
    if (served === undefined) {
      throw new Error(
        `the request did not reach the plugin: the client got ${asked.arrivedHead?.status ?? asked.failure}`,
      );
    }
    return { url: path, asked, served };
  }

  /** A path of its own for a request, and the exchange that comes by it. */
  expect({ path = "", isPaused = false }: SceneRequest = {}): {
    readonly path: string;
    readonly arrival: Promise<ServedExchange>;
  } {
    const key = this.key();
    const named = new RegExp(`/${key}(?![a-z0-9-])`);
    const arrival = this.plugin.expect((url) => named.test(url), isPaused);
    return { path: `/${key}${path}`, arrival };
  }

  /** Waits for an exchange that a raw connection has asked for. */
  arrived(arrival: Promise<ServedExchange>): Promise<ServedExchange> {
    return this.within("the request at the plugin", arrival);
  }

  /** Waits for something, for as long as there is time. */
  within<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.deadline.within(what, promise);
  }

  /** Waits until a condition holds that what comes can make true. */
  until(what: string, condition: () => boolean): Promise<void> {
    return this.deadline.until(what, condition);
  }

  /** The same for what says nothing by itself when it changes. */
  async eventually(what: string, condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.deadline.isPast) {
        throw new Error(`waited ${this.deadline.seconds} s for ${what}`);
      }
      await delay(lookEveryMs);
    }
  }

  /** Waits until the host has given an exchange up at the plugin, and says how. */
  async givenUp(served: ServedExchange): Promise<string> {
    await this.eventually("the exchange's end at the plugin", () => {
      served.lookForReset();
      return served.givenUp !== undefined;
    });
    return served.givenUp ?? "";
  }

  /** Waits until a number has stopped growing, as back-pressure makes it do. */
  async settled(count: () => number): Promise<number> {
    let last = count();
    for (let same = 0; same < 10; same += 1) {
      await delay(lookEveryMs);
      const now = count();
      if (now !== last) {
        same = -1;
        last = now;
      }
    }
    return last;
  }

  /** Fails unless the plugin is served at once. */
  async servesOn(client: HttpClient = this.client): Promise<void> {
    const { status, body } = await this.ask("/on", {}, client).whole();
    expectEqual([status, Buffer.from(body).toString()], [200, "served"], "a request behind it");
  }

  /** Waits until the plugin is served, as it must be again when its connection was lost. */
  async recovers(): Promise<void> {
    let last = "nothing";
    while (!this.deadline.isPast) {
      using client = this.facts.isHttp2
        ? new Http2Client(this.host.server)
        : new Http1Client(this.host.server);
      last = await this.ask("/on", {}, client).outcome();
      if (last === "whole with status 200: served") {
        return;
      }
      await delay(lookEveryMs);
    }
    throw new Error(
      `waited ${this.deadline.seconds} s for the plugin to be served; last, the client got: ${last}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#opened[Symbol.dispose]();
    if (this.#hasBehaved) {
      this.plugin.behave({});
    }
    await Promise.resolve();
  }
}
