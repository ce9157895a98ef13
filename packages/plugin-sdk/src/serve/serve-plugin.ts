import {
  ExchangeServer,
  type ExchangeServerOptions,
  type ListenAddress,
  MessageCarrier,
  networkLimits,
  ServingState,
} from "@servehttp/carrier";
import { type AcceptExchange, type Logger, ServeHTTPError } from "@servehttp/contract";
import { type PluginHandler, toServeHTTP } from "../adapters/to-serve-http.js";
import { dispatchExchange } from "../exchange/dispatcher.js";
import { HostCalls } from "../calls/host-calls.js";
import { RunningHandlers } from "../exchange/running-handlers.js";
import { noCalls, type PluginCalls } from "../handler/plugin-calls.js";
import type { ServeHTTP } from "../handler/serve-http.js";
import { drainAgainMs } from "../limits.js";
import { tracingLoaded } from "../tracing/current-tracing.js";
import { formatListenAddress } from "./listen-address.js";
import { listenAt } from "./listen-at.js";
import { loggerOf } from "./logger-of.js";
import { loadedOnDemand } from "./loaded-on-demand.js";
import type * as OtherProtocols from "./plugin-rpcs.js";
import type { PluginTlsOptions } from "./plugin-tls-options.js";
import { type PluginSettings, readPluginSettings, takeHostVariables } from "./plugin-settings.js";
import {
  closeBeforeEnd,
  closedBeforeEnd,
  endWithHost,
  type EndsWithProcess,
} from "./process-end.js";
import { sdkSoftware } from "./sdk-software.js";

/** Options of `servePlugin`. They win over the environment. */
export interface ServePluginOptions {
  /**
   * Where to listen: `unix:/path`, or `HOST:PORT` such as `127.0.0.1:50051`, with port 0 for a free
   * one. Default: `SERVEHTTP_ADDRESS` of the environment, which a host sets for a plugin that it
   * starts; else what follows `--listen` on the command line. A socket file that a killed plugin
   * has left is replaced; one on which another process listens is not.
   */
  address?: string;
  /**
   * What a host must show to be let in: visible ASCII characters, at least one. Default:
   * `SERVEHTTP_TOKEN` of the environment; without it, everybody is let in.
   */
  token?: string;
  /**
   * What the host calls this plugin. Default: `SERVEHTTP_PLUGIN_ID` of the environment, which a
   * host sets.
   */
  id?: string;
  /**
   * Serve TLS, for a plugin that a host reaches over a network: `certFile` and `keyFile`, and for
   * mutual TLS `caFile`; or the options of `createServer` of `node:tls`. Default: the files that
   * `SERVEHTTP_TLS_CERT_FILE`, `SERVEHTTP_TLS_KEY_FILE` and `SERVEHTTP_TLS_CA_FILE` of the environment
   * name, with the names of `SERVEHTTP_TLS_SUBJECT_ALT_NAMES`, where it listens at a port; else no TLS.
   */
  tls?: PluginTlsOptions;
  /**
   * Where failures of handlers and `request.log` are logged: a pino logger, or any object with
   * `warn` and `error`, and perhaps `debug` and `info`; `false` for nowhere. Default: JSON lines on standard error, which a host takes over into its
   * own log.
   */
  logger?: Logger | false;
  /**
   * Whether the host may take heap snapshots and profiles of the process, which hold everything that
   * is in its memory. Default: true for a plugin that a host has started, false for others.
   */
  diagnostics?: boolean;
  /**
   * How long `close` waits for running handlers, in milliseconds, 0 to 2,147,483,647. Default:
   * 10,000.
   */
  drainMs?: number;
}

/** A plugin that is being served. */
export interface RunningPlugin extends AsyncDisposable {
  /**
   * Where it listens, as hosts write it: `unix:/path`, or `127.0.0.1:PORT` with the port that was
   * chosen.
   */
  readonly address: string;
  /**
   * What the host calls this plugin. Undefined where neither an option nor the environment says so.
   */
  readonly id: string | undefined;
  /** How many handlers are running. */
  readonly inFlight: number;
  /**
   * Calls other plugins of the host outside of all exchanges, for work that no client waits for.
   * Within an exchange use `request.plugins`, by which the other plugin knows the client.
   */
  readonly plugins: PluginCalls;
  /**
   * Ends the plugin, as SIGTERM does: takes no new exchanges, waits up to `drainMs` for the running
   * handlers, gives up the exchanges that are left (their signals abort with `plugin-closing`), cancels
   * the calls to other plugins that still run, and closes its connections. Resolves when all of that is done; never rejects. Further calls return
   * the same promise. The process goes on.
   */
  close(): Promise<void>;
}

/**
 * Serves a plugin. Resolves when it accepts exchanges.
 *
 * ```ts
 * const plugin = await servePlugin({
 *   async serveHTTP(request, response) {
 *     await response.end(`hello from ${request.url}\n`);
 *   },
 * });
 * ```
 *
 * The variables of the environment that a host sets are read and removed, so that programs which
 * the plugin starts don't inherit the token.
 *
 * From the call on, SIGTERM and SIGINT close the plugin and end the process; a second signal ends it
 * at once. A plugin that a host has started ends with its host.
 *
 * Where `options.address` is not given, a mistake in the options, the environment or the command
 * line is not thrown: it is printed on standard error in one line, and the process exits with code
 * 2. Where there is no address at all, the line says how to give one.
 *
 * @param handler What answers the requests, in one of four styles.
 * @throws ServeHTTPError `invalid-argument` for something that is no handler, an option that is not
 *   allowed, and an address on which it can't listen
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
      // A person or a host reads this, and a stack would only hide the message.
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    throw error;
  }
}

async function serve(serveHTTP: ServeHTTP, options: ServePluginOptions): Promise<RunningPlugin> {
  const variables = takeHostVariables(process.env);
  const settings = readPluginSettings(options, variables, process.argv);
  const logger = loggerOf(options.logger);
  const running = new RunningHandlers();
  const state = new ServingState();
  const hostCalls = settings.calls && new HostCalls(settings.calls.address, settings.calls.token);
  const calls = hostCalls ?? noCalls;
  const accept: AcceptExchange = (channel) =>
    dispatchExchange(channel, serveHTTP, { logger, running, calls });
  const exchanges = new MessageCarrier(accept);
  const services = { software: sdkSoftware(), state };
  const mayDiagnose = options.diagnostics ?? Boolean(variables.SERVEHTTP_HOST_FD);
  const rpcs = { ...services, exchanges, mayDiagnose };
  const server = exchangeServer(
    {
      accept,
      services,
      rpc: loadedOnDemand(async () => (await otherProtocols()).servePluginRpcs(rpcs), logger),
      refuse: loadedOnDemand(async () => (await otherProtocols()).refusePluginRpcs(rpcs), logger),
      token: settings.token,
      // On TCP others than the host may connect.
      ...("port" in settings.address && { limits: networkLimits }),
      logger,
    },
    settings.tls,
  );
  endWithHost(variables.SERVEHTTP_HOST_FD);
  // Loaded before the first exchange, which is traced, too.
  const loaded = tracingLoaded();
  const listen = () => listenAt(server, settings.address);
  const listening = (loaded === undefined ? listen() : loaded.then(listen)).then(
    (listensOn) => new Plugin(server, exchanges, state, running, settings, listensOn, hostCalls),
  );
  // A signal may come before it listens. As process 1 of a container it would be lost.
  const beginning: EndsWithProcess = {
    listensOn: undefined,
    close: () =>
      listening.then(
        (plugin) => plugin.close(),
        () => undefined,
      ),
  };
  closeBeforeEnd(beginning);
  try {
    const plugin = await listening;
    closeBeforeEnd(plugin);
    return plugin;
  } finally {
    closedBeforeEnd(beginning);
  }
}

/** Not loaded while the plugin starts, which would take more time than all else of this package. */
function otherProtocols(): Promise<typeof OtherProtocols> {
  return import("./plugin-rpcs.js");
}

function exchangeServer(
  options: ExchangeServerOptions,
  tls: PluginTlsOptions | undefined,
): ExchangeServer {
  if (tls === undefined) {
    return new ExchangeServer(options);
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
  readonly plugins: PluginCalls;
  readonly #server: ExchangeServer;
  readonly #exchanges: MessageCarrier;
  readonly #state: ServingState;
  readonly #running: RunningHandlers;
  readonly #drainMs: number;
  readonly #calls: HostCalls | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    server: ExchangeServer,
    exchanges: MessageCarrier,
    state: ServingState,
    running: RunningHandlers,
    { id, drainMs }: PluginSettings,
    listensOn: ListenAddress,
    calls: HostCalls | undefined,
  ) {
    this.#server = server;
    this.#exchanges = exchanges;
    this.#state = state;
    this.#running = running;
    this.#drainMs = drainMs;
    this.id = id;
    this.listensOn = listensOn;
    this.plugins = (calls ?? noCalls).within(undefined);
    this.#calls = calls;
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
    this.#state.close();
    const server = this.#server;
    const drained = server.drain();
    this.#exchanges.drain();
    const idle = drained.then(() => this.#running.whenIdle());
    const closing = new ServeHTTPError("plugin-closing", "the plugin is closing");
    if (!(await isResolvedWithin(idle, this.#drainMs))) {
      server.giveUp(closing);
      this.#exchanges.giveUp(closing);
      if (!(await isResolvedWithin(drained, drainAgainMs))) {
        server.destroy();
        await drained;
      }
    }
    this.#calls?.close(closing);
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
