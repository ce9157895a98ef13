import { type ErrorCode, type Logger, ServeHTTPError } from "@servehttp/contract";
import { CallingExchange } from "../calls/calling-exchange.js";
import { workerAnswerMs } from "../limits.js";
import type { ProcessNews, SupervisedPlugin } from "../plugin/supervised-plugin.js";
import type { Clock } from "../process/clock.js";
import { listen, post, type ProcessChannel } from "./process-channel.js";
import type {
  ExchangeAsJson,
  PluginFigures,
  SupervisorMessage,
  WorkerMessage,
} from "./worker-messages.js";

export interface SharedWorkerOptions {
  readonly clock: Clock;
  readonly logger: Required<Logger>;
  /** It wants to know all. */
  readonly onHello: () => void;
  readonly onNews: (key: string, news: ProcessNews) => void;
  readonly onFigures: (figures: Readonly<Record<string, PluginFigures>>) => void;
  /** It is gone. */
  readonly onEnd: () => void;
}

/** A host in another process that uses the plugins of this one. */
export class SharedWorker {
  readonly #channel: ProcessChannel;
  readonly #options: SharedWorkerOptions;
  readonly #stopListening: () => void;
  #state: "awaited" | "there" | "gone" = "awaited";
  /** What it was told of each plugin, as JSON. */
  readonly #told = new Map<string, string>();
  #lastQuestion = 0;
  readonly #questions = new Map<number, (found: ExchangeAsJson | undefined) => void>();
  /** Exchanges of its own within which plugins make calls here. */
  readonly #exchanges = new Map<string, CallingExchange>();

  constructor(channel: ProcessChannel, options: SharedWorkerOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#stopListening = listen(
      channel,
      (received) => {
        if (received.kind === "message") {
          this.#hear(received.message as WorkerMessage);
        } else {
          const details = { version: received.version };
          options.logger.error(details, "a worker has another version of @servehttp/host-bridge");
          this.#post({ kind: "sharers", count: 1 });
        }
      },
      () => this.end(),
    );
  }

  /** Whether it has said that it is there. */
  get isThere(): boolean {
    return this.#state === "there";
  }

  tell({ failures, ...plugin }: SupervisedPlugin): void {
    const asJson = failures.map((failure) => ({ ...failure, at: failure.at.toISOString() }));
    const told = { ...plugin, failures: asJson };
    const text = JSON.stringify(told);
    // Its state changes less often than what is asked for it.
    if (this.#told.get(plugin.id) !== text) {
      this.#told.set(plugin.id, text);
      this.#post({ kind: "plugin", plugin: told });
    }
  }

  giveUp(plugin: string, key: string, tunnels: boolean, { code, message }: ServeHTTPError): void {
    this.#post({ kind: "give-up", plugin, key, tunnels, code, message });
  }

  divideLimits(count: number): void {
    this.#post({ kind: "sharers", count });
  }

  /** Asks for an exchange; undefined where it has none, or says nothing. */
  async findExchange(plugin: string, exchange: string): Promise<CallingExchange | undefined> {
    const known = this.#exchanges.get(exchange);
    if (known !== undefined || !this.isThere) {
      return known;
    }
    this.#lastQuestion += 1;
    const question = this.#lastQuestion;
    const over = new AbortController();
    const found = await new Promise<ExchangeAsJson | undefined>((resolve) => {
      this.#questions.set(question, resolve);
      this.#options.clock.after(workerAnswerMs, over.signal, () => resolve(undefined));
      this.#post({ kind: "find-exchange", question, plugin, exchange });
    });
    over.abort();
    this.#questions.delete(question);
    // Another call may have asked meanwhile, or the exchange may be over.
    return found === undefined ? undefined : this.#exchanges.get(exchange);
  }

  /** Uses the plugins no more. */
  end(): void {
    if (this.#state === "gone") {
      return;
    }
    this.#state = "gone";
    this.#stopListening();
    for (const answer of this.#questions.values()) {
      answer(undefined);
    }
    for (const exchange of this.#exchanges.keys()) {
      this.#endExchange(exchange, "connection-lost");
    }
    this.#options.onEnd();
  }

  #hear(message: WorkerMessage): void {
    switch (message.kind) {
      case "hello":
        this.#state = "there";
        this.#told.clear();
        this.#options.onHello();
        break;
      case "process":
        this.#options.onNews(message.key, message.news);
        break;
      case "figures":
        this.#options.onFigures(message.plugins);
        break;
      case "exchange-found":
        this.#onFound(message.question, message.found ?? undefined);
        break;
      case "exchange-over":
        this.#endExchange(message.exchange, message.code);
    }
  }

  #onFound(question: number, found: ExchangeAsJson | undefined): void {
    if (found !== undefined && !this.#exchanges.has(found.init.requestId)) {
      const { init, identity, depth } = found;
      const fields =
        identity === null
          ? undefined
          : Object.fromEntries(identity.map(([name, value]) => [name, value ?? undefined]));
      this.#exchanges.set(init.requestId, new CallingExchange(init, fields, depth));
    }
    this.#questions.get(question)?.(found);
  }

  #endExchange(id: string, code: ErrorCode): void {
    const exchange = this.#exchanges.get(id);
    this.#exchanges.delete(id);
    exchange?.end(new ServeHTTPError(code, "the exchange in a worker is over"));
  }

  #post(message: SupervisorMessage): void {
    post(this.#channel, message);
  }
}
