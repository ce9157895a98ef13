import { type Logger, type RequestInit, ServeHTTPError } from "@servehttp/contract";
import type { Callers } from "../calls/callers.js";
import { workerReportMs } from "../limits.js";
import type { PluginStatus } from "../plugin/plugin-status.js";
import type { ProcessNews, SupervisedPlugin } from "../plugin/supervised-plugin.js";
import { listen, post, type ProcessChannel, type Received } from "./process-channel.js";
import { figuresOf } from "./worker-figures.js";
import {
  type ExchangeAsJson,
  pluginFromJson,
  type SupervisorMessage,
  type WorkerMessage,
} from "./worker-messages.js";

export interface SupervisorLinkOptions {
  readonly logger: Required<Logger>;
  readonly callers: Pick<Callers, "find">;
  /** What this host's plugins do now. */
  readonly statuses: () => readonly PluginStatus[];
  readonly onPlugin: (seen: SupervisedPlugin, before: SupervisedPlugin | undefined) => void;
  readonly onGiveUp: (id: string, key: string, tunnels: boolean, reason: ServeHTTPError) => void;
  /** Limits are divided between so many workers. */
  readonly onSharers: (count: number) => void;
  /** The supervisor is gone, and its plugins will be. */
  readonly onEnd: () => void;
}

/** A worker's way to the supervisor whose plugins it uses. */
export class SupervisorLink {
  readonly #channel: ProcessChannel;
  readonly #options: SupervisorLinkOptions;
  readonly #seen = new Map<string, SupervisedPlugin>();
  #lastReport = "";

  constructor(channel: ProcessChannel, options: SupervisorLinkOptions) {
    this.#channel = channel;
    this.#options = options;
    const stopListening = listen(
      channel,
      (received) => this.#receive(received),
      () => {
        clearInterval(reports);
        stopListening();
        options.onEnd();
      },
    );
    const reports = setInterval(() => this.#report(), workerReportMs);
    reports.unref();
    this.#post({ kind: "hello" });
  }

  /** What the supervisor has said of a plugin so far. */
  seen(id: string): SupervisedPlugin | undefined {
    return this.#seen.get(id);
  }

  /** Tells what has become of a connection to a process. */
  tell(key: string, news: ProcessNews): void {
    this.#post({ kind: "process", key, news });
  }

  #receive(received: Received): void {
    if (received.kind === "message") {
      this.#hear(received.message as SupervisorMessage);
    } else {
      this.#options.logger.error(
        { version: received.version },
        "the supervisor has another version of @servehttp/host-bridge: both need the same",
      );
    }
  }

  #hear(message: SupervisorMessage): void {
    const { onGiveUp, onPlugin, onSharers } = this.#options;
    switch (message.kind) {
      case "plugin": {
        const seen = pluginFromJson(message.plugin);
        const before = this.#seen.get(seen.id);
        this.#seen.set(seen.id, seen);
        onPlugin(seen, before);
        break;
      }
      case "give-up": {
        const { plugin, key, tunnels, code } = message;
        onGiveUp(plugin, key, tunnels, new ServeHTTPError(code, message.message));
        break;
      }
      case "sharers":
        onSharers(message.count);
        break;
      case "find-exchange":
        this.#find(message.question, message.plugin, message.exchange);
    }
  }

  /** An exchange within which its plugin makes a call: the supervisor's plugins call there. */
  #find(question: number, plugin: string, exchange: string): void {
    const found = this.#options.callers.find(plugin, exchange);
    let told: ExchangeAsJson | null = null;
    if (found !== undefined) {
      const { init, identity, depth } = found;
      const { headersBegin: _begin, headersMemo: _, tunnelHead: _head, ...head } = wholeHead(init);
      const fields =
        identity === undefined
          ? null
          : Object.entries(identity).map(([name, value]) => [name, value ?? null] as const);
      told = { init: head, identity: fields, depth };
      found.add({
        cancel: ({ code }) => this.#post({ kind: "exchange-over", exchange, code }),
      });
    }
    this.#post({ kind: "exchange-found", question, found: told });
  }

  #report(): void {
    const plugins = figuresOf(this.#options.statuses());
    const report = JSON.stringify(plugins);
    if (report !== this.#lastReport) {
      this.#lastReport = report;
      this.#post({ kind: "figures", plugins });
    }
  }

  #post(message: WorkerMessage): void {
    post(this.#channel, message);
  }
}

/** All properties of a head, also of one that repeats another's. */
function wholeHead(init: RequestInit): RequestInit {
  const { deadlineUnixMs, repeats, requestId } = init;
  return repeats === undefined ? init : { ...repeats.init, deadlineUnixMs, requestId };
}
