import type { ClientHttp2Session } from "node:http2";
import type {
  ExchangeChannel,
  PartReceiver,
  RequestInit,
  RequestParts,
  ResponseParts,
} from "@servehttp/contract";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { connectHttp2, connectDedicated } from "../connect.js";
import { ExchangeServer, type ExchangeServerOptions } from "../exchange-server.js";
import { HostMux } from "../mux/host-mux.js";
import type { PluginServices } from "../services/plugin-services.js";
import { ServingState } from "../services/serving-state.js";
import type { DedicatedConnection } from "../http2/dedicated-connection.js";
import { dedicatedMuxHeaders } from "../wire/rpc-paths.js";
import { type HostEnd, HostStreams } from "./host-streams.js";
import { Recorder } from "./recorder.js";

/** One exchange as the plugin has it. */
export interface PluginEnd {
  readonly channel: ExchangeChannel<ResponseParts>;
  readonly request: Recorder<RequestParts>;
}

/** What a plugin says that serves. */
export function someServices(): PluginServices {
  return { software: "test-rig", state: new ServingState() };
}

/** A plugin's server and a host's connections to it over a unix socket, in this process. */
export class Wire implements AsyncDisposable {
  readonly server: ExchangeServer;
  /** A connection of Node's, for RPCs that are written by hand. */
  readonly session: ClientHttp2Session;
  /** The host's stream carrier. */
  readonly streams: HostStreams;
  readonly path: string;
  /** The exchanges at the plugin, in the order in which they came. */
  readonly plugin: PluginEnd[] = [];
  /** Called for each exchange at the plugin. */
  onAccept: ((end: PluginEnd) => void) | undefined;
  /** The connections of mux RPCs that the host has opened. */
  readonly #rpcs: DedicatedConnection[] = [];
  readonly #directory: TemporaryDirectory;

  private constructor(
    directory: TemporaryDirectory,
    server: ExchangeServer,
    session: ClientHttp2Session,
  ) {
    this.#directory = directory;
    this.path = directory.socketPath;
    this.server = server;
    this.session = session;
    this.streams = new HostStreams(directory.socketPath);
  }

  static async open(options: Partial<ExchangeServerOptions> = {}): Promise<Wire> {
    const directory = await TemporaryDirectory.make();
    let wire: Wire | undefined;
    const server = new ExchangeServer({
      accept: (channel) => {
        if (wire === undefined) {
          throw new Error("an exchange before the connection");
        }
        return wire.#accept(channel);
      },
      services: someServices(),
      rpc: (_request, response) => response.end(),
      token: undefined,
      ...options,
    });
    await server.listen({ path: directory.socketPath });
    const session = await connectHttp2(
      { kind: "unix", path: directory.socketPath },
      AbortSignal.timeout(10_000),
    );
    wire = new Wire(directory, server, session);
    return wire;
  }

  /** Streams of the host's carrier that are not closed. */
  get openStreams(): number {
    return this.streams.carrier.streamCount;
  }

  /** How many mux RPCs the host has that are not over. */
  get openRpcs(): number {
    return this.#rpcs.filter(({ closed }) => !closed).length;
  }

  /** Cuts the connections of all mux RPCs. */
  cutRpcs(): void {
    for (const rpc of this.#rpcs) {
      rpc.destroy();
    }
  }

  /** Opens an exchange on the stream carrier; nothing is sent. */
  openStream(): HostEnd {
    return this.streams.open();
  }

  async openMux(token?: string): Promise<HostMux> {
    const rpc = await openMuxRpc(this.path, token);
    this.#rpcs.push(rpc);
    return new HostMux(rpc);
  }

  /** The plugin's end of the exchange that was opened at this place, once it is there. */
  async pluginEnd(index: number): Promise<PluginEnd> {
    await until(() => this.plugin.length > index, `exchange ${index} at the plugin`);
    return this.plugin[index] as PluginEnd;
  }

  get faults(): string[] {
    return this.plugin.flatMap(({ request }) => request.faults);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    this.streams.cut();
    this.cutRpcs();
    this.server.destroy();
    await this.server.drain();
    await this.#directory[Symbol.asyncDispose]();
  }

  #accept(channel: ExchangeChannel<ResponseParts>): PartReceiver<RequestParts> {
    const end: PluginEnd = { channel, request: new Recorder<RequestParts>() };
    this.plugin.push(end);
    this.onAccept?.(end);
    return end.request;
  }
}

/** A connection that is one mux RPC. */
export function openMuxRpc(path: string, token?: string): Promise<DedicatedConnection> {
  return connectDedicated(
    { kind: "unix", path },
    dedicatedMuxHeaders("http://localhost", token),
    AbortSignal.timeout(10_000),
  );
}

/** Opens an exchange on a mux. */
export function openOn(mux: HostMux): HostEnd {
  const response = new Recorder<ResponseParts>();
  return { channel: mux.openExchange(response), response };
}

/** The head of a request, with nothing special in it. */
export const plainInit: RequestInit = Object.freeze({
  method: "GET",
  url: "/",
  requestUri: "/plugins/a/",
  basePath: "/plugins/a",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "localhost",
  remoteAddress: "127.0.0.1:1",
  headers: Object.freeze(["accept", "*/*"]),
  contentLength: -1,
  deadlineUnixMs: 0,
  requestId: "r1",
  context: Object.freeze({}),
  scheme: "http",
  expectContinue: false,
  hijackable: false,
});

export const okHead: ResponseParts["init"] = Object.freeze({
  status: 200,
  headers: Object.freeze(["x-a", "1"]),
});
