import type { SecureServerOptions } from "node:http2";
import { ExchangeServer, type ExchangeServerOptions, type ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";
import { dispatchExchange, type ServeHTTP } from "../exchange/dispatcher.js";
import { type PluginHandler, toServeHTTP } from "../adapters/to-serve-http.js";
import { drainAgainMs } from "../limits.js";
import { formatListenAddress } from "./listen-address.js";
import { listenAt } from "./listen-at.js";
import type { Logger } from "../handler/logger.js";
import { ServingState, servePluginRpcs } from "./plugin-rpcs.js";
import { type PluginSettings, readPluginSettings } from "./plugin-settings.js";
import {
  closeBeforeEnd,
  closedBeforeEnd,
  endWithHost,
  type EndsWithProcess,
} from "./process-end.js";
import { RunningHandlers } from "../exchange/running-handlers.js";
import { sdkVersion } from "./sdk-version.js";
import { stderrLogger } from "./stderr-logger.js";

/** Options of `servePlugin`. They win over the environment. */
export interface ServePluginOptions {
  /**
   * Where to listen: `unix:/path`, or `127.0.0.1:PORT` with 0 for a free port. Default: `SERVEHTTP_ADDRESS` of the
   * environment, which a host sets for a plugin that it starts; else what follows `--listen` on the command line. A
   * socket file that a plugin left which was killed is replaced, one that is in use is not.
   */
  address?: string;
  /**
   * What a host must show to be let in, in visible ASCII characters. Default: `SERVEHTTP_TOKEN` of the environment; without
   * it, everybody may enter.
   */
  token?: string;
  /** What the host calls this plugin. Default: `SERVEHTTP_PLUGIN_ID` of the environment, which a host sets. */
  id?: string;
  /**
   * Serve TLS, for a plugin that a host reaches over a network: `cert` and `key`, and for mutual TLS `ca` and `requestCert`.
   * Options of `node:http2`'s `createSecureServer`. Default: none.
   */
  tls?: SecureServerOptions;
  /** Where failures of handlers are told, such as a pino logger. Default: JSON lines on stderr. */
  logger?: Logger;
  /** How long `close` waits for what runs, in milliseconds, up to 2^31 - 1. Default: 10,000. */
  drainMs?: number;
}

/** A plugin that is being served. */
export interface RunningPlugin extends AsyncDisposable {
  /** Where it listens, as hosts write it: `unix:/path`, or `127.0.0.1:PORT` with the port that was chosen. */
  readonly address: string;
  /** What the host calls this plugin; undefined where nobody said. */
  readonly id: string | undefined;
  /** Exchanges whose handlers run now. */
  readonly inFlight: number;
  /**
   * Takes no new exchanges, lets those that run end, and their handlers, gives up what is left after `drainMs` (whose
   * signals abort with `plugin-closing`), and resolves. Safe to call more than once.
   */
  close(): Promise<void>;
}

/**
 * Serves a plugin: resolves when it accepts exchanges. SIGTERM and SIGINT close it and end the process; so does the end
 * of the host that started it.
 *
 * ```ts
 * const plugin = await servePlugin({
 *   async serveHTTP(request, response) {
 *     await response.end(`hello from ${request.url}\n`);
 *   },
 * });
 * ```
 *
 * A second signal ends the process at once.
 *
 * @throws ServeHTTPError `invalid-argument` for a handler that is none, an address that is none or can't be had, and options
 *   that are not allowed. Where the address is not an option, what is wrong is said in one line on stderr instead, and the process
 *   exits with code 2; also where there is no address, and then the line says how to give one.
 */
export async function servePlugin(
  handler: PluginHandler,
  options: ServePluginOptions = {},
): Promise<RunningPlugin> {
  const serveHTTP = toServeHTTP(handler);
  try {
    return await serve(serveHTTP, options);
  } catch (error) {
    if (options.address === undefined && error instanceof ServeHTTPError) {
      // Whoever started it reads this, a person or a host, and a stack would be in the way.
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    throw error;
  }
}

async function serve(serveHTTP: ServeHTTP, options: ServePluginOptions): Promise<RunningPlugin> {
  const settings = readPluginSettings(options, process.env, process.argv);
  const logger = options.logger ?? stderrLogger;
  const running = new RunningHandlers();
  const state = new ServingState();
  const software = `servehttp-plugin-sdk/${sdkVersion} node/${process.versions.node}`;
  const server = exchangeServer(
    {
      accept: (channel) => dispatchExchange(channel, serveHTTP, { logger, running }),
      rpc: servePluginRpcs(software, state),
      token: settings.token,
    },
    options.tls,
  );
  endWithHost(process.env["SERVEHTTP_HOST_FD"]);
  const listensOn = await listenAt(server, settings.address);
  const plugin = new Plugin(server, state, running, settings, listensOn);
  closeBeforeEnd(plugin);
  return plugin;
}

function exchangeServer(
  options: ExchangeServerOptions,
  tls: SecureServerOptions | undefined,
): ExchangeServer {
  if (tls === undefined) {
    return new ExchangeServer(options);
  }
  const hasIdentity = tls.key !== undefined && tls.cert !== undefined;
  if (!hasIdentity && tls.pfx === undefined && tls.SNICallback === undefined) {
    throw new ServeHTTPError("invalid-argument", "the option tls needs key and cert, or pfx");
  }
  try {
    return new ExchangeServer({ ...options, tls });
  } catch (error) {
    const { message } = ServeHTTPError.from(error);
    throw new ServeHTTPError("invalid-argument", `the option tls can't be used: ${message}`, {
      cause: error,
    });
  }
}

class Plugin implements RunningPlugin, EndsWithProcess {
  readonly listensOn: ListenAddress;
  readonly id: string | undefined;
  readonly #server: ExchangeServer;
  readonly #state: ServingState;
  readonly #running: RunningHandlers;
  readonly #drainMs: number;
  #closing: Promise<void> | undefined;

  constructor(
    server: ExchangeServer,
    state: ServingState,
    running: RunningHandlers,
    { id, drainMs }: PluginSettings,
    listensOn: ListenAddress,
  ) {
    this.#server = server;
    this.#state = state;
    this.#running = running;
    this.#drainMs = drainMs;
    this.id = id;
    this.listensOn = listensOn;
  }

  get address(): string {
    return formatListenAddress(this.listensOn);
  }

  get inFlight(): number {
    return this.#running.count;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#state.stop();
    const server = this.#server;
    const drained = server.drain();
    const idle = drained.then(() => this.#running.whenIdle());
    if (!(await isResolvedWithin(idle, this.#drainMs))) {
      server.giveUp(new ServeHTTPError("plugin-closing", "the plugin is closing"));
      if (!(await isResolvedWithin(drained, drainAgainMs))) {
        server.destroy();
        await drained;
      }
    }
    closedBeforeEnd(this);
  }
}

async function isResolvedWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(late.resolve, ms, false);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
