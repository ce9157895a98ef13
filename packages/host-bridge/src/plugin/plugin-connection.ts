import type { ClientHttp2Session } from "node:http2";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  authorityOf,
  connectHttp2,
  connectDedicated,
  dedicatedMuxHeaders,
  describeAddress,
  HostMux,
  HostStreamExchange,
  type PluginAddress,
  type DedicatedConnection,
  rpcHeaders,
  serveHTTPPath,
  WireWriter,
} from "@servehttp/carrier";
import {
  Carrier,
  contractVersion,
  type DescribeResponse,
  type ExchangeChannel,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  type PartReceiver,
  PluginService,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";

/** `Describe` and health answer with little: a message over this many bytes is nobody's. */
const messageBytesMax = 65_536;

/** connect-node's interface to a connection, which it does not export by name. */
type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]["sessionManager"]>;

/** What a connection is made of. */
export interface PluginConnectionOptions {
  readonly pluginId: string;
  readonly address: PluginAddress;
  readonly token: string | undefined;
  /** `"auto"` takes mux where the plugin offers it. */
  readonly carrier: "auto" | "mux" | "stream";
}

/**
 * The host's connection to one plugin process: an HTTP/2 connection, on which `Describe` has been answered and the carrier is
 * agreed on, and beside it, for mux, one that is the RPC of all exchanges. A connection of which either is lost is lost, and
 * stays lost; whoever holds it makes another.
 */
export class PluginConnection {
  readonly carrier: "mux" | "stream";
  readonly description: DescribeResponse;
  /**
   * Settles, and never rejects, when no more exchanges can be opened, with the reason: `connection-lost`, or
   * `plugin-closing` where those that are open may still end.
   */
  readonly lost: Promise<ServeHTTPError>;
  readonly #session: ClientHttp2Session;
  readonly #options: PluginConnectionOptions;
  readonly #headers: Record<string, string>;
  readonly #writer = new WireWriter();
  readonly #rpc: DedicatedConnection | undefined;
  readonly #mux: HostMux | undefined;
  #health: Client<typeof Health> | undefined;

  private constructor(
    session: ClientHttp2Session,
    options: PluginConnectionOptions,
    description: DescribeResponse,
    rpc: DedicatedConnection | undefined,
  ) {
    this.#session = session;
    this.#options = options;
    this.description = description;
    this.carrier = rpc === undefined ? "stream" : "mux";
    this.#rpc = rpc;
    this.#headers = rpcHeaders(serveHTTPPath, authorityOf(options.address), options.token);
    if (rpc !== undefined) {
      const mux = new HostMux(rpc);
      this.#mux = mux;
      this.lost = mux.lost;
      // A plugin that goes without saying so on its RPC first.
      session.once("goaway", () => mux.close());
      const onClose = () => mux.close(connectionLost(options, undefined));
      session.once("close", onClose);
      if (session.destroyed) {
        // It went while the other one was being made, and told nobody.
        onClose();
      }
      return;
    }
    this.#mux = undefined;
    const { promise, resolve } = Promise.withResolvers<ServeHTTPError>();
    this.lost = promise;
    session.once("goaway", () => {
      resolve(new ServeHTTPError("plugin-closing", "the plugin is closing"));
    });
    let cause: Error | undefined;
    session.on("error", (error) => {
      cause = error;
    });
    session.once("close", () => {
      resolve(connectionLost(options, cause));
    });
  }

  /**
   * Connects and asks the plugin who it is.
   *
   * @throws ServeHTTPError `connection-failed`, `not-a-plugin` (no HTTP/2, no PluginService, no common version),
   * `unauthenticated` (the plugin refused the token), `deadline` (the signal aborted first).
   */
  static async connect(
    options: PluginConnectionOptions,
    signal: AbortSignal,
  ): Promise<PluginConnection> {
    const session = await connectHttp2(options.address, signal);
    try {
      const description = await describe(session, options, signal);
      const rpc =
        chooseCarrier(options, description) === "mux"
          ? await connectMux(options, signal)
          : undefined;
      return new PluginConnection(session, options, description, rpc);
    } catch (error) {
      session.on("error", () => {
        // What made the connection impossible is thrown.
      });
      session.destroy();
      throw error;
    }
  }

  /**
   * Opens an exchange.
   *
   * @throws ServeHTTPError `connection-lost` where the connection is gone.
   */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    if (this.#mux?.open === true) {
      return this.#mux.openExchange(receiver);
    }
    if (this.#mux !== undefined || this.#session.destroyed || this.#session.closed) {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closing");
    }
    return new HostStreamExchange(this.#session, this.#headers, this.#writer, receiver);
  }

  /** Whether the connection is closed, and all that was on it over. */
  get closed(): boolean {
    return this.#session.destroyed && this.#rpc?.closed !== false;
  }

  /**
   * Asks the plugin's health service whether it serves. A plugin without one is taken to serve.
   *
   * @throws ConnectError where no answer came, or another than that service's
   */
  async isServing(signal: AbortSignal): Promise<boolean> {
    this.#health ??= createClient(Health, transportOver(this.#session, this.#options));
    try {
      const { status } = await this.#health.check({}, { signal });
      return status === ServingStatus.SERVING;
    } catch (error) {
      if (ConnectError.from(error).code === Code.Unimplemented) {
        return true;
      }
      throw error;
    }
  }

  /** Closes the connection: gracefully, once its exchanges are over, or with `now` at once. */
  close(how: "drained" | "now"): void {
    if (how === "now") {
      this.#rpc?.destroy();
      this.#session.destroy();
    } else {
      this.#mux?.close();
      this.#session.close();
    }
  }
}

function connectionLost(
  { address }: PluginConnectionOptions,
  cause: Error | undefined,
): ServeHTTPError {
  const message = `the connection to ${describeAddress(address)} was lost`;
  return new ServeHTTPError("connection-lost", message, { cause });
}

function connectMux(
  { address, token }: PluginConnectionOptions,
  signal: AbortSignal,
): Promise<DedicatedConnection> {
  return connectDedicated(address, dedicatedMuxHeaders(authorityOf(address), token), signal);
}

async function describe(
  session: ClientHttp2Session,
  options: PluginConnectionOptions,
  signal: AbortSignal,
): Promise<DescribeResponse> {
  const client = createClient(PluginService, transportOver(session, options));
  const { pluginId } = options;
  const where = describeAddress(options.address);
  let description: DescribeResponse;
  try {
    description = await client.describe(
      { contractVersions: [contractVersion], pluginId },
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw describeError(ConnectError.from(error), where);
  }
  if (description.contractVersion !== contractVersion) {
    throw new ServeHTTPError(
      "not-a-plugin",
      `the plugin at ${where} speaks version ${description.contractVersion} of the contract, this host speaks version ${contractVersion}`,
    );
  }
  return description;
}

function describeError(error: ConnectError, where: string): ServeHTTPError {
  const options = { cause: error };
  switch (error.code) {
    case Code.Unauthenticated:
      return new ServeHTTPError(
        "unauthenticated",
        `the plugin at ${where} refused the token`,
        options,
      );
    case Code.FailedPrecondition:
      return new ServeHTTPError(
        "not-a-plugin",
        `the plugin at ${where}: ${error.rawMessage}`,
        options,
      );
    case Code.Unavailable:
    case Code.Aborted:
    case Code.Canceled:
      return new ServeHTTPError(
        "connection-lost",
        `the connection to ${where} was lost before the plugin had answered Describe`,
        options,
      );
    default:
      return new ServeHTTPError(
        "not-a-plugin",
        `what listens at ${where} does not offer servehttp.v1.PluginService (${error.message})`,
        options,
      );
  }
}

function chooseCarrier(
  options: PluginConnectionOptions,
  description: DescribeResponse,
): "mux" | "stream" {
  const offered = description.carriers.includes(Carrier.MUX);
  if (options.carrier === "mux" && !offered) {
    throw new ServeHTTPError(
      "not-a-plugin",
      `the plugin at ${describeAddress(options.address)} does not offer the mux carrier; use carrier "auto" or "stream"`,
    );
  }
  return options.carrier === "stream" || !offered ? "stream" : "mux";
}

function transportOver(session: ClientHttp2Session, options: PluginConnectionOptions) {
  const baseUrl = authorityOf(options.address);
  const sessionManager: SessionManager = {
    authority: new URL(baseUrl).origin,
    request: (method, path, headers, requestOptions) =>
      Promise.resolve(
        session.request({ ...headers, ":method": method, ":path": path }, requestOptions),
      ),
    notifyResponseByteRead: () => undefined,
  };
  const showToken: Interceptor = (next) => (request) => {
    if (options.token !== undefined) {
      request.header.set("authorization", `Bearer ${options.token}`);
    }
    return next(request);
  };
  return createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [showToken],
    // Compressing costs more than sending here, and is on by default.
    acceptCompression: [],
    readMaxBytes: messageBytesMax,
  });
}
