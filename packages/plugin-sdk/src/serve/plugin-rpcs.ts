import { constants, type Http2ServerRequest } from "node:http2";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  mapEach,
  type MessageCarrier,
  type PluginServices,
  type RpcMessages,
  type ServeRpc,
  type ServingState,
  statusOf as statusCodeOf,
  statusText,
} from "@servehttp/carrier";
import {
  contractVersion,
  messageBytesMax as exchangeMessageBytesMax,
  muxMessageBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import {
  Carrier,
  type DescribeRequest,
  DiagnosticsService,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  PluginService,
} from "@servehttp/contract/services";
import { Diagnostics } from "../diagnostics/diagnostics.js";
import { halfOpenMs } from "../limits.js";

/** The longest message of `Describe` and health, both of which are small. */
const messageBytesMax = 65_536;

/** What `servePluginRpcs` serves. */
export interface PluginRpcs extends PluginServices {
  /** Takes in the exchanges of hosts that speak another protocol than gRPC with protobuf. */
  readonly exchanges: MessageCarrier;
  /** Whether the host may look into the process. */
  readonly mayDiagnose: boolean;
}

/**
 * The RPCs of a plugin in the Connect protocol, in gRPC with JSON and in gRPC-Web, served by
 * connect-node: `Describe`, `grpc.health.v1.Health`, and exchanges. Those in gRPC with protobuf are
 * served by the carrier, so that this file and all that it imports are loaded when a host speaks
 * something else, or asks for diagnostics, and not while a plugin starts.
 */
export function servePluginRpcs(rpcs: PluginRpcs): ServeRpc {
  const serve = connectNodeAdapter({
    ...adapterOptions,
    routes: (router) => addRoutes(router, rpcs),
  });
  return (request, response) => {
    const spoken = contentTypesOf(request);
    if (spoken === undefined) {
      serve(request, response);
    } else {
      const text = `This RPC speaks ${spoken.join(", ")}.\n`;
      response.writeHead(415, { "accept-post": spoken.join(", "), "content-type": "text/plain" });
      response.end(text);
    }
    discardRestOfRequest(request);
  };
}

/**
 * The content types that an RPC speaks, where that of the request is none of them. connect-node
 * would say 415 and no more. What else is wrong with a request is left to it.
 */
function contentTypesOf({
  method,
  url,
  headers,
}: Http2ServerRequest): readonly string[] | undefined {
  if (method !== "POST") {
    return undefined;
  }
  const spoken = streamingPaths.has(url) ? streamingTypes : unaryTypes;
  const contentType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  return contentType !== undefined && spoken.includes(contentType) ? undefined : spoken;
}

const streamingPaths: ReadonlySet<string> = new Set(
  [PluginService, Health, DiagnosticsService].flatMap(({ typeName, methods }) =>
    methods
      .filter(({ methodKind }) => methodKind !== "unary")
      .map(({ name }) => `/${typeName}/${name}`),
  ),
);

const grpcTypes = [
  "grpc",
  "grpc+proto",
  "grpc+json",
  "grpc-web",
  "grpc-web+proto",
  "grpc-web+json",
];
const unaryTypes = [...grpcTypes, "proto", "json"].map((name) => `application/${name}`);
const streamingTypes = [...grpcTypes, "connect+proto", "connect+json"].map(
  (name) => `application/${name}`,
);

/** Refuses each RPC of a plugin in the protocol that it speaks, before a message of it is read. */
export function refusePluginRpcs(rpcs: PluginRpcs): ServeRpc {
  return connectNodeAdapter({
    ...adapterOptions,
    routes: (router) => addRoutes(router, rpcs),
    interceptors: [
      () => () => {
        throw new ConnectError("the token is missing or wrong", Code.Unauthenticated);
      },
    ],
  });
}

const adapterOptions = {
  // Compressing costs more than sending here, and is on by default.
  acceptCompression: [],
  readMaxBytes: messageBytesMax,
};

/**
 * connect-node leaves what a host still sends after an early answer unread, and with it the HTTP/2
 * stream open for ever. The host is given some time to end its way, so that it sees the answer
 * first. (Node's response emits its own `finish` only when the stream has closed.)
 */
function discardRestOfRequest({ stream }: Http2ServerRequest): void {
  stream.once("finish", () => {
    if (stream.closed) {
      return;
    }
    stream.removeAllListeners("data");
    stream.resume();
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), halfOpenMs);
    timer.unref();
    stream.once("close", () => clearTimeout(timer));
  });
}

function addRoutes(router: ConnectRouter, rpcs: PluginRpcs): void {
  const { software, state, exchanges } = rpcs;
  const { serveHTTP, serveHTTPMux } = PluginService.method;
  router.service(PluginService, {
    describe(request) {
      checkVersion(request);
      return {
        contractVersion,
        servesHttp: true,
        carriers: [Carrier.STREAM, Carrier.MUX],
        software,
      };
    },
  });
  router.rpc(
    serveHTTP,
    (requests, context) =>
      mapEach(
        exchanges.serveHTTP(messagesOf(serveHTTP.input, requests, context)),
        (message) => fromBinary(serveHTTP.output, message),
        statusErrorOf,
      ),
    { readMaxBytes: exchangeMessageBytesMax },
  );
  router.rpc(
    serveHTTPMux,
    (requests, context) =>
      mapEach(
        exchanges.serveHTTPMux(messagesOf(serveHTTPMux.input, requests, context)),
        (message) => fromBinary(serveHTTPMux.output, message),
        statusErrorOf,
      ),
    { readMaxBytes: muxMessageBytesMax },
  );
  const diagnostics = new Diagnostics(rpcs.mayDiagnose);
  router.service(DiagnosticsService, {
    heapSnapshot: () => mapEach(diagnostics.heapSnapshot(), asMessage, diagnosticsErrorOf),
    cpuProfile: ({ durationMs }, { signal }) =>
      mapEach(diagnostics.cpuProfile(durationMs, signal), asMessage, diagnosticsErrorOf),
  });
  router.service(Health, {
    check({ service }) {
      return { status: statusOf(service, state, Code.NotFound) };
    },
    async *watch({ service }, context) {
      yield { status: statusOf(service, state, undefined) };
      if (state.serving) {
        await state.whenClosing(context.signal);
        // The watch ends with it. One that went on would keep the connection, and the plugin, open.
        yield { status: statusOf(service, state, undefined) };
      }
    },
  });
}

const asMessage = (chunk: Uint8Array) => ({ chunk: new Uint8Array(chunk) });

function diagnosticsErrorOf(error: unknown): unknown {
  const known = error instanceof ServeHTTPError ? diagnosticsCodes.get(error.code) : undefined;
  return known === undefined ? error : new ConnectError((error as Error).message, known);
}

const diagnosticsCodes: ReadonlyMap<string, Code> = new Map([
  ["call-refused", Code.PermissionDenied],
  ["overload", Code.ResourceExhausted],
  ["invalid-argument", Code.InvalidArgument],
]);

/** The messages of the host, as the carrier reads them. */
function messagesOf<Schema extends DescMessage>(
  schema: Schema,
  requests: AsyncIterable<MessageShape<Schema>>,
  { signal }: HandlerContext,
): RpcMessages {
  return {
    requests: mapEach(requests, (message) => toBinary(schema, message)),
    signal,
    reason: () => errorOf(signal.reason),
    toError: errorOf,
  };
}

/** What it means to an exchange that connect-node has thrown. */
function errorOf(thrown: unknown): ServeHTTPError {
  if (thrown instanceof ServeHTTPError) {
    return thrown;
  }
  const { code, rawMessage } = ConnectError.from(thrown, Code.Canceled);
  switch (code) {
    case Code.DeadlineExceeded:
      return new ServeHTTPError("deadline", "the host's time ran out");
    case Code.Canceled:
    case Code.Aborted:
    case Code.Unavailable:
      return new ServeHTTPError("client-disconnected", "the host gave up the exchange");
    default:
      return new ServeHTTPError("protocol-violation", rawMessage);
  }
}

/** The status by which the RPC of a failed exchange ends: never a handler's own words. */
function statusErrorOf(error: unknown): unknown {
  return error instanceof ServeHTTPError
    ? new ConnectError(statusText(error), codes.get(statusCodeOf(error.code)))
    : error;
}

/** Connect's codes have the numbers of gRPC's. */
const codes = new Map<number, Code>(
  Object.values(Code).flatMap((code) => (typeof code === "number" ? [[code, code]] : [])),
);

function checkVersion(request: DescribeRequest): void {
  if (!request.contractVersions.includes(contractVersion)) {
    throw new ConnectError(
      `this plugin speaks version ${contractVersion} of the contract, the host ${request.contractVersions.join(", ") || "none"}`,
      Code.FailedPrecondition,
    );
  }
}

function statusOf(service: string, state: ServingState, unknown: Code | undefined): ServingStatus {
  if (service !== "" && service !== PluginService.typeName) {
    if (unknown !== undefined) {
      throw new ConnectError(`no service ${JSON.stringify(service)} here`, unknown);
    }
    return ServingStatus.SERVICE_UNKNOWN;
  }
  return state.serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}
