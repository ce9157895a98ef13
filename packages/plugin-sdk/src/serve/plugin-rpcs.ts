import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  Carrier,
  contractVersion,
  type DescribeRequest,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  PluginService,
} from "@servehttp/contract";

/** The longest message of `Describe` and health, both of which are small. */
const messageBytesMax = 65_536;

/**
 * Whether the plugin serves, as the health service tells it.
 *
 * serving -> closing [close]
 */
export class ServingState {
  #state: "serving" | "closing" = "serving";
  readonly #waiting = new Set<() => void>();

  get serving(): boolean {
    return this.#state === "serving";
  }

  /** How many watchers wait for a change. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The plugin is closing. */
  close(): void {
    this.#state = "closing";
    for (const resolve of this.#waiting) {
      resolve();
    }
  }

  /** Resolves when the plugin closes or the signal aborts, and leaves no listener behind. */
  async whenClosing(signal: AbortSignal): Promise<void> {
    if (!this.serving || signal.aborted) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    this.#waiting.delete(resolve);
    signal.removeEventListener("abort", onAbort);
  }
}

/** The RPCs of a plugin that carry no exchange: `Describe` and `grpc.health.v1.Health`, served by connect-node. */
export function servePluginRpcs(
  software: string,
  state: ServingState,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  return connectNodeAdapter({
    routes: (router) => addRoutes(router, software, state),
    // Compressing costs more than sending here, and is on by default.
    acceptCompression: [],
    readMaxBytes: messageBytesMax,
  });
}

function addRoutes(router: ConnectRouter, software: string, state: ServingState): void {
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
