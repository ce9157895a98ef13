import { rmSync } from "node:fs";
import type { SecureServerOptions } from "node:http2";
import { Socket } from "node:net";
import { ExchangeServer, type ListenAddress } from "@servehttp/carrier";
import { dispatchExchange } from "./dispatcher.js";
import { type PluginHandler, toServeHTTP } from "./handler.js";
import { formatListenAddress, parseListenAddress } from "./listen-address.js";
import type { Logger } from "./logger.js";
import { ServingState, servePluginRpcs } from "./plugin-rpcs.js";
import { RunningHandlers } from "./running-handlers.js";
import { stderrLogger } from "./stderr-logger.js";

/** Options of `servePlugin`. They win over the environment. */
export interface ServePluginOptions {
  /**
   * Where to listen: `unix:/path`, or `127.0.0.1:PORT` with 0 for a free port. Default: `SERVEHTTP_ADDRESS` of the
   * environment, which a host sets for a plugin that it starts; else what follows `--listen` on the command line.
   */
  address?: string;
  /** What a host must show to be let in. Default: `SERVEHTTP_TOKEN` of the environment; without it, everybody may enter. */
  token?: string;
  /**
   * Serve TLS, for a plugin that a host reaches over a network: `cert` and `key`, and for mutual TLS `ca` and `requestCert`.
   * Options of `node:http2`'s `createSecureServer`. Default: none.
   */
  tls?: SecureServerOptions;
  /** Where failures of handlers are told, such as a pino logger. Default: JSON lines on stderr. */
  logger?: Logger;
  /** How long `close` waits for exchanges that run, in milliseconds. Default: 10,000. */
  drainMs?: number;
}

/** A plugin that is being served. */
export interface RunningPlugin extends AsyncDisposable {
  /** Where it listens, as hosts write it: `unix:/path`, or `127.0.0.1:PORT` with the port that was chosen. */
  readonly address: string;
  /** Exchanges whose handlers run now. */
  readonly inFlight: number;
  /**
   * Takes no new exchanges, lets those that run end, breaks what is left after `drainMs`, and resolves. Safe to call
   * more than once.
   */
  close(): Promise<void>;
}

const drainMsDefault = 10_000;

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
 * @throws ServeHTTPError `invalid-argument` for a handler or an address that is none; the error of `listen` where the
 *   address can't be had. Run by hand without any address, it says in one line how to give one, and exits with code 2.
 */
export async function servePlugin(
  handler: PluginHandler,
  options: ServePluginOptions = {},
): Promise<RunningPlugin> {
  const serveHTTP = toServeHTTP(handler);
  const logger = options.logger ?? stderrLogger;
  const address = parseListenAddress(options.address ?? addressOfProcess());
  const running = new RunningHandlers();
  const state = new ServingState();
  const server = new ExchangeServer({
    accept: (channel) => dispatchExchange(channel, serveHTTP, { logger, running }),
    rpc: servePluginRpcs(`servehttp-plugin-sdk/0.1.0 node/${process.versions.node}`, state),
    token: options.token ?? process.env["SERVEHTTP_TOKEN"],
    ...(options.tls === undefined ? undefined : { tls: options.tls }),
  });
  const plugin = new Plugin(server, state, running, options.drainMs ?? drainMsDefault);
  await plugin.listen(address);
  return plugin;
}

class Plugin implements RunningPlugin {
  readonly #server: ExchangeServer;
  readonly #state: ServingState;
  readonly #running: RunningHandlers;
  readonly #drainMs: number;
  #address = "";
  #closing: Promise<void> | undefined;
  readonly #onSignal = (): void => {
    void this.close().then(() => process.exit(0));
  };

  constructor(
    server: ExchangeServer,
    state: ServingState,
    running: RunningHandlers,
    drainMs: number,
  ) {
    this.#server = server;
    this.#state = state;
    this.#running = running;
    this.#drainMs = drainMs;
  }

  get address(): string {
    return this.#address;
  }

  get inFlight(): number {
    return this.#running.count;
  }

  async listen(address: ListenAddress): Promise<void> {
    const bound = await this.#server.listen(address);
    this.#address = formatListenAddress(
      typeof bound === "string" ? { path: bound } : { host: bound.address, port: bound.port },
    );
    process.once("SIGTERM", this.#onSignal);
    process.once("SIGINT", this.#onSignal);
    watchHost(address);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    process.off("SIGTERM", this.#onSignal);
    process.off("SIGINT", this.#onSignal);
    this.#state.stop();
    const timer = setTimeout(() => this.#server.destroy(), this.#drainMs);
    try {
      await this.#server.drain();
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * A plugin does not outlive the host that started it: the host holds the other end of a pipe, and whatever becomes of the
 * host, the kernel closes it.
 */
function watchHost(address: ListenAddress): void {
  const fd = Number(process.env["SERVEHTTP_HOST_FD"]);
  if (!Number.isInteger(fd) || fd < 3) {
    return;
  }
  const pipe = new Socket({ fd, readable: true, writable: false });
  const onGone = () => {
    if ("path" in address) {
      rmSync(address.path, { force: true });
    }
    process.exit(1);
  };
  pipe.on("error", onGone);
  pipe.on("close", onGone);
  pipe.on("end", onGone);
  pipe.resume();
  pipe.unref();
}

function addressOfProcess(): string {
  const at = process.argv.indexOf("--listen");
  const address = process.env["SERVEHTTP_ADDRESS"] ?? (at < 0 ? undefined : process.argv[at + 1]);
  if (address !== undefined && address !== "") {
    return address;
  }
  const script = process.argv[1] ?? "plugin.js";
  process.stderr.write(
    `This is a servehttp plugin: let a host start it, or run it by hand as: node ${script} --listen 127.0.0.1:50051\n`,
  );
  process.exit(2);
}
