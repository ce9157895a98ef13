import type { ClientHttp2Session } from "node:http2";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
} from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  authorityOf,
  connectCarrier,
  connectHttp2,
  describeAddress,
  errorOfStatus,
  type HostCarrier,
  KeptSession,
  mapEach,
  MessageHostCarrier,
  type PluginAddress,
  throwIfRefused,
} from "@servehttp/carrier";
import {
  contractVersion,
  type ExchangeChannel,
  type Logger,
  messageBytesMax as exchangeMessageBytesMax,
  type PartReceiver,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import {
  Carrier,
  type DescribeResponse,
  DiagnosticsService,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  PluginService,
} from "@servehttp/contract/services";

import type { Diagnosis } from "./diagnosis.js";

/** `Describe` and health answer with little: a message over this many bytes is nobody's. */
const messageBytesMax = 65_536;

/** connect-node's interface to a connection, which it does not export by name. */
type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]["sessionManager"]>;

/** What a connection is made of. */
export interface PluginConnectionOptions {
  readonly pluginId: string;
  readonly address: PluginAddress;
  readonly token: string | undefined;
  /** `"auto"` takes mux where the plugin offers it, and stream where the protocol is Connect. */
  readonly carrier: "auto" | "mux" | "stream";
  /** What the plugin speaks. Default: `"grpc"`. */
  readonly protocol?: "grpc" | "connect";
  /** Is told what is wrong with the plugin's server though nothing failed by it yet. */
  readonly logger?: Pick<Logger, "warn">;
}

/**
 * The host's connections to one plugin process: one for `Describe` and health, which carries
 * nothing else, and those of the carrier that was agreed on. Both are made anew where the plugin's
 * server closes them in good order. Where that can't be done, or exchanges break with their
 * connection on mux, it is lost, and stays lost; whoever holds it makes another.
 */
export class PluginConnection {
  readonly carrier: "mux" | "stream";
  readonly description: DescribeResponse;
  /**
   * Settles, and never rejects, when no more exchanges can be opened, with the reason:
   * `connection-lost`, or `plugin-closing` where those that are open may still end.
   */
  readonly lost: Promise<ServeHTTPError>;
  readonly #options: PluginConnectionOptions;
  readonly #session: KeptSession;
  readonly #exchanges: HostCarrier;
  readonly #health: Client<typeof Health>;
  /** open -> lost [#session or #exchanges is], any -> closing [close] -> closed */
  #state: "open" | "lost" | "closing" | "closed" = "open";

  private constructor(
    options: PluginConnectionOptions,
    session: KeptSession,
    description: DescribeResponse,
    carrier: "mux" | "stream",
    exchanges: HostCarrier,
  ) {
    this.#options = options;
    this.description = description;
    this.carrier = carrier;
    this.#session = session;
    this.#exchanges = exchanges;
    this.#health = createClient(
      Health,
      transportOver(() => session.session(), options, messageBytesMax),
    );
    const lost = Promise.withResolvers<ServeHTTPError>();
    this.lost = lost.promise;
    const onLost = (reason: ServeHTTPError) => {
      if (this.#state === "open") {
        this.#state = "lost";
      }
      lost.resolve(reason);
    };
    void session.lost.then(onLost);
    void exchanges.lost.then(onLost);
  }

  /**
   * Connects and asks the plugin who it is.
   *
   * @throws ServeHTTPError `connection-failed`, `not-a-plugin` (no HTTP/2, no PluginService, no
   * common version), `unauthenticated` (the plugin refused the token, or the host's certificate),
   * `deadline` (the signal aborted first).
   */
  static async connect(
    options: PluginConnectionOptions,
    signal: AbortSignal,
  ): Promise<PluginConnection> {
    const { address, token, logger, pluginId } = options;
    const { made, description } = await connectAndDescribe(options, signal);
    const session = new KeptSession(made, {
      connect: async (whileWanted) => {
        const again = await connectAndDescribe(options, whileWanted);
        if (!isSamePlugin(description, again.description)) {
          again.made.destroy();
          const where = describeAddress(address);
          throw new ServeHTTPError("connection-lost", `another plugin answers at ${where} now`);
        }
        return again.made;
      },
      nowMs: () => performance.now(),
    });
    try {
      const carrier = chooseCarrier(options, description);
      const warn = (message: string) => logger?.warn({ plugin: pluginId }, message);
      const exchanges =
        options.protocol === "connect"
          ? await connectMessages(options, signal)
          : await connectCarrier(address, token, carrier, warn, signal);
      return new PluginConnection(options, session, description, carrier, exchanges);
    } catch (error) {
      session.close("now");
      throw error;
    }
  }

  /** Whether something waits to be sent, so that another exchange costs no write of its own. */
  get gathers(): boolean {
    return this.#exchanges.gathers;
  }

  /**
   * Opens an exchange.
   *
   * @throws ServeHTTPError `connection-lost` where the connection is gone.
   */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    if (this.#state !== "open") {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closing");
    }
    return this.#exchanges.open(receiver);
  }

  /** Whether the connection was closed, and all that was on it is over. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /**
   * Asks the plugin's health service whether it serves. A plugin without one is taken to serve.
   *
   * @throws ConnectError where no answer came, or another than that service's
   */
  async isServing(signal: AbortSignal): Promise<boolean> {
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

  /**
   * Looks into the plugin's process, over a connection of its own, so that nothing waits behind it.
   * Ends with the file's last chunk.
   *
   * @throws ServeHTTPError `invalid-argument` where the plugin offers or allows no such thing,
   *   `overload` where it does one already, `connection-lost` and the like where it is gone
   */
  async *diagnose(what: Diagnosis, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const session = await connectHttp2(this.#options.address, signal);
    try {
      const transport = transportOver(async () => session, this.#options, messageBytesMax);
      const client = createClient(DiagnosticsService, transport);
      const chunks =
        what.kind === "heap-snapshot"
          ? client.heapSnapshot({}, { signal })
          : client.cpuProfile({ durationMs: what.durationMs }, { signal });
      for await (const { chunk } of chunks) {
        yield chunk;
      }
    } catch (thrown) {
      throw diagnosisError(thrown, this.#options.pluginId);
    } finally {
      session.destroy();
    }
  }

  /**
   * Closes the connection: gracefully, once its exchanges are over, or with `now` at once. Resolves
   * when it is closed.
   */
  async close(how: "drained" | "now"): Promise<void> {
    this.#state = "closing";
    this.#session.close(how);
    await this.#exchanges.close(how);
    this.#state = "closed";
  }
}

/** A connection on which `Describe` was answered. */
async function connectAndDescribe(
  options: PluginConnectionOptions,
  signal: AbortSignal,
): Promise<{ made: ClientHttp2Session; description: DescribeResponse }> {
  const made = await connectHttp2(options.address, signal);
  try {
    return { made, description: await describe(made, options, signal) };
  } catch (error) {
    made.destroy();
    throw error;
  }
}

/** Whether a plugin that was connected to anew is what it was. */
function isSamePlugin(before: DescribeResponse, now: DescribeResponse): boolean {
  return (
    before.contractVersion === now.contractVersion &&
    before.servesHttp === now.servesHttp &&
    before.carriers.join() === now.carriers.join()
  );
}

async function describe(
  session: ClientHttp2Session,
  options: PluginConnectionOptions,
  signal: AbortSignal,
): Promise<DescribeResponse> {
  const client = createClient(
    PluginService,
    transportOver(() => Promise.resolve(session), options, messageBytesMax),
  );
  const { pluginId } = options;
  const where = describeAddress(options.address);
  let description: DescribeResponse;
  try {
    description = await client.describe(
      { contractVersions: [contractVersion], pluginId },
      { signal },
    );
  } catch (error) {
    throwIfRefused(options.address, session);
    signal.throwIfAborted();
    throw describeError(ConnectError.from(error), where, options.token);
  }
  if (description.contractVersion !== contractVersion) {
    throw new ServeHTTPError(
      "not-a-plugin",
      `the plugin at ${where} speaks version ${description.contractVersion} of the contract, this host speaks version ${contractVersion}`,
    );
  }
  return description;
}

function diagnosisError(thrown: unknown, pluginId: string): ServeHTTPError {
  const error = ConnectError.from(thrown);
  switch (error.code) {
    case Code.Unimplemented:
      return new ServeHTTPError(
        "invalid-argument",
        `plugin ${pluginId} offers no snapshots and profiles: what serves it has none`,
        { cause: error },
      );
    case Code.PermissionDenied:
    case Code.InvalidArgument:
      return new ServeHTTPError("invalid-argument", `plugin ${pluginId}: ${error.rawMessage}`);
    case Code.ResourceExhausted:
      return new ServeHTTPError("overload", `plugin ${pluginId}: ${error.rawMessage}`);
    default:
      return new ServeHTTPError("connection-lost", `plugin ${pluginId} did not answer`, {
        cause: error,
      });
  }
}

function describeError(
  error: ConnectError,
  where: string,
  token: string | undefined,
): ServeHTTPError {
  const options = { cause: error };
  switch (error.code) {
    case Code.Unauthenticated:
      return new ServeHTTPError(
        "unauthenticated",
        token === undefined
          ? `the plugin at ${where} wants a token: set the option token to its SERVEHTTP_TOKEN`
          : `the plugin at ${where} refused the token`,
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
  if (options.protocol === "connect") {
    return "stream";
  }
  const offered = description.carriers.includes(Carrier.MUX);
  if (options.carrier === "mux" && !offered) {
    throw new ServeHTTPError(
      "not-a-plugin",
      `the plugin at ${describeAddress(options.address)} does not offer the mux carrier; use carrier "auto" or "stream"`,
    );
  }
  return options.carrier === "stream" || !offered ? "stream" : "mux";
}

/**
 * Connects for exchanges in the Connect protocol, by connect-node: on a connection that carries
 * nothing else, and is made anew where the plugin's server closes it.
 */
async function connectMessages(
  options: PluginConnectionOptions,
  signal: AbortSignal,
): Promise<HostCarrier> {
  let current = await connectHttp2(options.address, signal);
  const session = new KeptSession(current, {
    connect: async (whileWanted) => {
      current = await connectHttp2(options.address, whileWanted);
      return current;
    },
    nowMs: () => performance.now(),
  });
  const transport = transportOver(() => session.session(), options, exchangeMessageBytesMax);
  const client = createClient(PluginService, transport);
  const { input, output } = PluginService.method.serveHTTP;
  return new MessageHostCarrier(
    {
      start: (requests, whileWanted) =>
        mapEach(
          client.serveHTTP(
            mapEach(requests, (message) => fromBinary(input, message)),
            { signal: whileWanted },
          ),
          (message) => toBinary(output, message),
        ),
      toError: exchangeError,
    },
    {
      lost: session.lost,
      get callsMax() {
        return current.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
      },
      close: (how) => session.close(how),
    },
  );
}

/** What it means to an exchange in the Connect protocol that connect-node has thrown. */
function exchangeError(thrown: unknown): ServeHTTPError {
  if (thrown instanceof ServeHTTPError) {
    return thrown;
  }
  const { cause, code, rawMessage } = ConnectError.from(thrown);
  // What the plugin says has no cause here; an error of Node's is the cause of all others.
  const isSaid = cause === undefined && code !== Code.Canceled && code !== Code.Aborted;
  return isSaid
    ? errorOfStatus(String(code), rawMessage)
    : new ServeHTTPError("connection-lost", "the connection to the plugin broke", {
        cause: thrown,
      });
}

function transportOver(
  sessionOf: () => Promise<ClientHttp2Session>,
  options: PluginConnectionOptions,
  readMaxBytes: number,
) {
  const baseUrl = authorityOf(options.address);
  const sessionManager: SessionManager = {
    authority: new URL(baseUrl).origin,
    request: async (method, path, headers, requestOptions) => {
      const session = await sessionOf();
      return session.request({ ...headers, ":method": method, ":path": path }, requestOptions);
    },
    notifyResponseByteRead: () => undefined,
  };
  const showToken: Interceptor = (next) => (request) => {
    if (options.token !== undefined) {
      request.header.set("authorization", `Bearer ${options.token}`);
    }
    return next(request);
  };
  const transportOptions = {
    baseUrl,
    sessionManager,
    interceptors: [showToken],
    // Compressing costs more than sending here, and is on by default.
    acceptCompression: [],
    readMaxBytes,
  };
  return options.protocol === "connect"
    ? createConnectTransport({ ...transportOptions, httpVersion: "2" })
    : createGrpcTransport(transportOptions);
}
