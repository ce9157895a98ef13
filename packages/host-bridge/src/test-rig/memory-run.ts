import {
  type ErrorCode,
  type ExchangeChannel,
  type PartReceiver,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { type ManualClock } from "@servehttp/testkit";
import type { Exchange, GivenBack, GoOn } from "../exchange/exchange.js";
import type { InstanceAddress } from "../options/instance-address.js";
import {
  ConnectedPlugin,
  type ExchangeConnection,
  type PluginExchanges,
  type RunningCounts,
} from "../plugin/connected-plugin.js";
import { FixedInstances } from "../plugin/fixed-instances.js";
import type { InstanceWatch } from "../plugin/hosted-plugin.js";
import { KeptConnection } from "../plugin/kept-connection.js";
import type { PluginRun } from "../plugin/plugin-run.js";
import { addressRules, restartRules } from "../process/restart-policy.js";
import { noEnd, type RunEnd } from "../process/shared-process.js";

/** A connection to a plugin that is not there: the test says what it does. */
export class MemoryRun implements PluginRun<ConnectedPlugin> {
  readonly pid: number;
  /** Of which options of the plugin it is. */
  readonly version: string;
  readonly #shared: PluginExchanges;
  readonly #ready = Promise.withResolvers<ConnectedPlugin>();
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  isHostAtFault = false;
  isEnded = false;
  isClosed = false;
  /** Whether no exchange can be opened, which nobody has been told. */
  isGone = false;
  lostCode: ErrorCode | undefined;
  /** There once it has come up. */
  connected: ConnectedPlugin | undefined;
  /** Of the exchanges that were opened on it, those that are over among them. */
  readonly receivers: PartReceiver<ResponseParts>[] = [];
  /** How often it was asked to end. */
  asked = 0;
  /** What it answers to health checks; undefined: nothing. */
  isServing: boolean | undefined = true;
  servesHttp = true;
  #question: PromiseWithResolvers<boolean> | undefined;

  constructor(pid: number, shared: PluginExchanges, version: string) {
    this.pid = pid;
    this.#shared = shared;
    this.version = version;
  }

  /** What runs on its plugin. */
  get counts(): RunningCounts {
    return this.#shared.counts;
  }

  get ready(): Promise<ConnectedPlugin> {
    return this.#ready.promise;
  }

  get lost(): Promise<ServeHTTPError> {
    return this.#ready.promise.then(({ lost }) => lost);
  }

  /** As a plugin does that has come up. */
  rise(): void {
    if (this.connected !== undefined || this.isEnded) {
      return;
    }
    const connection: ExchangeConnection = {
      carrier: "mux",
      description: { servesHttp: this.servesHttp },
      gathers: false,
      lost: this.#lost.promise,
      open: (receiver) => {
        if (this.isGone) {
          throw new ServeHTTPError("connection-lost", "it is gone");
        }
        this.receivers.push(receiver);
        return noChannel;
      },
      isServing: (signal) => {
        const question = Promise.withResolvers<boolean>();
        this.#question = question;
        signal.addEventListener("abort", () => question.reject(new Error("no answer in time")));
        if (this.isServing !== undefined) {
          this.answer(this.isServing);
        }
        return this.#question.promise;
      },
      diagnose: () => {
        throw new Error("nobody looks into it");
      },
      close: () => {
        this.isClosed = true;
      },
    };
    const time = { usedMs: 0, waitedMs: 0 };
    this.connected = new ConnectedPlugin(connection, this.#shared, () => time);
    this.#ready.resolve(this.connected);
  }

  /** Answers the health check that waits for it. */
  answer(isServing: boolean): void {
    this.#question?.resolve(isServing);
  }

  /** As a plugin does that can't start. */
  fail(code: ErrorCode = "connection-failed", message = "it exited"): void {
    this.#ready.reject(new ServeHTTPError(code, message));
  }

  /** As a plugin does that crashes or closes. */
  lose(code: ErrorCode = "connection-lost"): void {
    this.lostCode ??= code;
    this.#lost.resolve(new ServeHTTPError(code, "it is gone"));
  }

  ask(): void {
    this.asked += 1;
  }

  async end(): Promise<RunEnd> {
    this.isEnded = true;
    this.#ready.reject(new ServeHTTPError("host-stopping", "it was stopped"));
    void this.#ready.promise.then(
      (connected) => connected.close("now"),
      () => undefined,
    );
    return noEnd;
  }
}

/** Makes instances whose runs a test plays. `runs` gets each as it begins. */
export function memoryInstances(
  runs: MemoryRun[],
  clock: ManualClock,
  count: number,
  version = "",
): (shared: PluginExchanges, watch: InstanceWatch) => FixedInstances {
  return (shared, watch) =>
    new FixedInstances(
      Array.from({ length: count }, () => memoryInstance(runs, clock, { shared, watch, version })),
    );
}

/** Makes an instance whose runs a test plays. */
export function memoryInstance(
  runs: MemoryRun[],
  clock: ManualClock,
  of: {
    readonly shared: PluginExchanges;
    readonly watch: InstanceWatch;
    readonly version?: string;
    /** Default: it is a process. */
    readonly address?: InstanceAddress;
  },
): KeptConnection<ConnectedPlugin> {
  const { shared, watch, version = "", address } = of;
  return new KeptConnection<ConnectedPlugin>({
    pluginId: "notes",
    ...(address && { address }),
    open: () => {
      const run = new MemoryRun(runs.length + 1, shared, version);
      runs.push(run);
      return run;
    },
    rules: address === undefined ? restartRules : addressRules,
    logger: silent,
    clock,
    chance: () => 0.5,
    ...watch,
  });
}

/** An exchange that runs on a plugin until the test ends it, or it is told to stop. */
export class MemoryExchange {
  readonly on: ConnectedPlugin;
  /** Why it was told to stop. */
  readonly stopped: string[] = [];
  isOver = false;
  readonly #exchange: Exchange;

  /** @param boundBy the fields of its client: name, value, name, value */
  constructor(on: ConnectedPlugin, boundBy: readonly string[] = []) {
    this.on = on;
    this.#exchange = {
      init: { requestId: "1", method: "GET" },
      boundClient: { rawHeaders: boundBy },
      sinceSentMs: 1,
      awaitedPlugin: true,
      stop: (reason: ServeHTTPError) => {
        this.stopped.push(reason.code);
        this.isOver = true;
        on.onOver(this.#exchange, "host-stopping", reason);
      },
    } as unknown as Exchange;
    on.onBegun(this.#exchange);
  }

  /** It becomes a tunnel. */
  hijack(): void {
    if (this.isOver) {
      return;
    }
    this.on.onTunnel(this.#exchange);
  }

  /** No handler of the plugin's has seen it. */
  giveBack(why: GivenBack, goOn: GoOn): () => void {
    return this.on.giveBack(this.#exchange, why, goOn);
  }

  /** The head of the response comes. */
  head(status: number): void {
    this.on.onHead(this.#exchange, status, 1);
  }

  /** The head of the response comes, and it is an event stream's. */
  stream(): void {
    this.head(200);
    this.on.onEventStream(this.#exchange);
  }

  end(): void {
    this.#over("ok", undefined);
  }

  /** It fails, by what the plugin does. */
  fail(error: ServeHTTPError): void {
    this.#over("plugin-error", error);
  }

  #over(outcome: "ok" | "plugin-error", error: ServeHTTPError | undefined): void {
    if (!this.isOver) {
      this.isOver = true;
      this.on.onOver(this.#exchange, outcome, error);
    }
  }
}

const noChannel: ExchangeChannel<RequestParts> = {
  send: () => undefined,
  reset: () => undefined,
};

const silent = {
  debug(): void {},
  info(): void {},
  warn(): void {},
  error(): void {},
};
