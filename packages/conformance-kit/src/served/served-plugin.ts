import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import {
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Carrier,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  PluginService,
} from "@servehttp/contract/services";
import type { Deadline } from "../wire/deadline.js";
import { envelope } from "../wire/grpc-messages.js";
import type { CarrierName } from "../wire/host.js";
import { Trace } from "../wire/trace.js";
import { ServedMux } from "./mux-served-exchange.js";
import { readServeAddress } from "./serve-address.js";
import type { ExchangeWatch, ServedExchange } from "./served-exchange.js";
import { ServerStream } from "./server-stream.js";
import { type GateTraits, StackGate } from "./stack-gate.js";
import { StreamServedExchange } from "./stream-served-exchange.js";

const { describe } = PluginService.method;
const { check } = Health.method;
const unimplemented = 12;
const unauthenticated = 16;
const defaultStreamsMax = 2 ** 32 - 1;
/** The window of a stream and of a connection, where a check does not say otherwise. */
const windowBytes = 262_144;
const connectionWindowBytes = 4_194_304;
/** What HTTP/2 begins with (RFC 9113, section 6.9.2). */
const smallWindowBytes = 65_535;

/** How the plugin behaves on the connections that are made from now on. */
export interface PluginTraits extends GateTraits {
  /** How many streams at once it announces. Default: no limit. */
  readonly streamsMax?: number;
  /** Says that it goes once a connection has had so many exchanges, as a limit on its age does. */
  readonly exchangesPerConnection?: number;
}

/** What is known of one check. */
interface CheckRecord {
  readonly trace: Trace;
  violation: string | undefined;
  readonly deadline: Deadline | undefined;
}

/** What a check waits for: the first exchange that it says is the one. */
interface Expected {
  readonly matches: (url: string) => boolean;
  readonly take: (exchange: ServedExchange) => void;
}

/**
 * The plugin that the kit serves to a host. Each check says what becomes of its own exchanges; all
 * others are answered with 200 and `served`. It is on `node:http2` alone, so that nothing prevents
 * it from breaking the contract.
 */
export class ServedPlugin implements AsyncDisposable {
  /** Where hosts find it: `unix:/path` or `http://host:port`. */
  readonly address: string;
  readonly #server: Http2Server;
  readonly #gate: StackGate;
  readonly #directory: string;
  readonly #token: string | undefined;
  readonly #sessions = new Map<ServerHttp2Session, { exchanges: number; mux?: ServedMux }>();
  readonly #expected = new Set<Expected>();
  #carrier: CarrierName = "stream";
  #traits: PluginTraits = {};
  #record: CheckRecord = { trace: new Trace(), violation: undefined, deadline: undefined };
  /** RPCs that came without the token, or with a wrong one. */
  strangers = 0;
  /** What the host has asked Describe, as often as it did. */
  readonly questions: {
    readonly contractVersions: readonly number[];
    readonly pluginId: string;
  }[] = [];

  private constructor(
    server: Http2Server,
    gate: StackGate,
    address: string,
    directory: string,
    token: string | undefined,
  ) {
    this.#server = server;
    this.#gate = gate;
    this.address = address;
    this.#directory = directory;
    this.#token = token;
    server.on("session", (session) => this.#acceptSession(session));
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      this.#acceptStream(stream, headers);
    });
  }

  /**
   * Listens at `unix:/path` or `127.0.0.1:50051`, or, for `unix:`, on a socket of its own. `token` is
   * what hosts have to show; undefined where they need none.
   *
   * @throws UsageError where the address is none
   */
  static async listen(at: string, token: string | undefined): Promise<ServedPlugin> {
    const asked = at === "unix:" ? undefined : readServeAddress(at);
    const directory = await mkdtemp(join(tmpdir(), "servehttp-conformance-"));
    const address = asked ?? readServeAddress(`unix:${join(directory, "plugin.sock")}`);
    const path = join(directory, "behind.sock");
    // A host is trusted: what it resets is its own business.
    const server = createServer({ streamResetBurst: 1_000_000, streamResetRate: 1_000_000 });
    server.listen(path);
    await once(server, "listening");
    let plugin: ServedPlugin | undefined;
    try {
      const traits = (): GateTraits => plugin?.traits ?? {};
      const gate = await StackGate.open(address.listen, { path }, traits);
      plugin = new ServedPlugin(server, gate, address.text(gate), directory, token);
      return plugin;
    } catch (error) {
      server.close();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** How it behaves on the connections that are made from now on. */
  get traits(): PluginTraits {
    return this.#traits;
  }

  /** How many connections the host has that carried an exchange or a mux RPC. */
  get connections(): number {
    return [...this.#sessions.values()].filter(
      ({ exchanges, mux }) => exchanges > 0 || mux !== undefined,
    ).length;
  }

  /** Begins a check: what waits in it looks again whenever something has come. */
  begin(deadline: Deadline): void {
    this.#record = { trace: new Trace(), violation: undefined, deadline };
    this.#expected.clear();
  }

  /** What was sent and what came in the check that runs. */
  get trace(): Trace {
    return this.#record.trace;
  }

  /** What the host did against the contract in the check that runs. */
  get violation(): string | undefined {
    return this.#record.violation;
  }

  /** Says from now on that it offers this carrier, and breaks every connection, so that hosts ask. */
  offer(carrier: CarrierName): void {
    this.#carrier = carrier;
    this.behave({});
  }

  /** Behaves like this from now on, and breaks every connection, so that hosts make new ones. */
  behave(traits: PluginTraits): void {
    this.#traits = traits;
    const { streamsMax = defaultStreamsMax, windowOpensAsRead = false } = traits;
    const initialWindowSize = windowOpensAsRead ? smallWindowBytes : windowBytes;
    this.#server.updateSettings({ maxConcurrentStreams: streamsMax, initialWindowSize });
    this.#gate.cut();
  }

  /** Waits for an exchange. `isPaused`: nothing is taken of its body, until it is resumed. */
  expect(matches: (url: string) => boolean, isPaused = false): Promise<ServedExchange> {
    const { promise, resolve } = Promise.withResolvers<ServedExchange>();
    const expected: Expected = {
      matches,
      take: (exchange) => {
        if (isPaused) {
          exchange.pause();
        }
        this.#expected.delete(expected);
        resolve(exchange);
      },
    };
    this.#expected.add(expected);
    return promise;
  }

  /** Says on every connection that it takes no more exchanges there. */
  drain(): void {
    for (const [session, { mux }] of this.#sessions) {
      if (mux === undefined) {
        this.#goAway(session);
      } else {
        mux.drain();
      }
    }
  }

  /** Sends a PING on every connection, and waits for the answers by `wait`. */
  async pinged(wait: (answers: Promise<unknown>) => Promise<unknown>): Promise<void> {
    const all = [...this.#sessions.keys()].filter((session) => !session.closed);
    await wait(
      Promise.all(
        all.map(
          (session) =>
            new Promise<void>((resolve, reject) => {
              session.ping((error) => (error === null ? resolve() : reject(error)));
            }),
        ),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await this.#gate[Symbol.asyncDispose]();
    for (const session of this.#sessions.keys()) {
      session.destroy();
    }
    await closed;
    await rm(this.#directory, { recursive: true, force: true });
  }

  #acceptSession(session: ServerHttp2Session): void {
    this.#sessions.set(session, { exchanges: 0 });
    if (this.#traits.windowOpensAsRead !== true) {
      session.setLocalWindowSize(connectionWindowBytes);
    }
    session.on("error", () => undefined);
    session.on("close", () => this.#sessions.delete(session));
  }

  #acceptStream(stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>): void {
    stream.on("error", () => undefined);
    const path = String(headers[":path"]);
    if (this.#token !== undefined && headers["authorization"] !== `Bearer ${this.#token}`) {
      this.strangers += 1;
      new ServerStream(stream, ignore, ignore).end(unauthenticated, "the token is wrong");
      return;
    }
    switch (path.split("/").at(-1)) {
      case "Describe":
        this.#answer(stream, (message) => this.#described(message));
        return;
      case "Check":
        this.#answer(stream, () =>
          toBinary(check.output, create(check.output, { status: ServingStatus.SERVING })),
        );
        return;
      case "ServeHTTP":
        StreamServedExchange.accept(stream, this.#watch(), (exchange) => {
          this.#acceptExchange(exchange);
          this.#count(stream);
        });
        return;
      case "ServeHTTPMux":
        this.#acceptMux(stream);
        return;
      default:
        new ServerStream(stream, ignore, ignore).end(unimplemented, "there is no such RPC");
    }
  }

  #described(question: Uint8Array): Uint8Array {
    const { contractVersions, pluginId } = fromBinary(describe.input, question);
    this.questions.push({ contractVersions, pluginId });
    const carriers = this.#carrier === "mux" ? [Carrier.STREAM, Carrier.MUX] : [Carrier.STREAM];
    const software = "servehttp-conformance";
    const answer = { contractVersion: 1, servesHttp: true, carriers, software };
    return toBinary(describe.output, create(describe.output, answer));
  }

  #answer(stream: ServerHttp2Stream, answer: (question: Uint8Array) => Uint8Array): void {
    const rpc: ServerStream = new ServerStream(
      stream,
      (question) => {
        void rpc.write(envelope(answer(question)));
        rpc.end(0);
      },
      ignore,
    );
  }

  #acceptMux(stream: ServerHttp2Stream): void {
    const mux = new ServedMux(
      stream,
      () => this.#watch(),
      (exchange) => {
        this.#acceptExchange(exchange);
        this.#count(stream);
      },
    );
    const { session } = stream;
    const counted =
      session === undefined ? undefined : this.#sessions.get(session as ServerHttp2Session);
    if (counted !== undefined) {
      counted.mux = mux;
    }
  }

  #acceptExchange(exchange: ServedExchange): void {
    const { url } = exchange.init;
    for (const expected of this.#expected) {
      if (expected.matches(url)) {
        expected.take(exchange);
        return;
      }
    }
    void exchange.send({ init: { status: 200 }, chunk: Buffer.from("served"), end: {} });
  }

  #count(stream: ServerHttp2Stream): void {
    const session = stream.session as ServerHttp2Session | undefined;
    const counted = session === undefined ? undefined : this.#sessions.get(session);
    if (session !== undefined && counted !== undefined) {
      counted.exchanges += 1;
      if (counted.exchanges === this.#traits.exchangesPerConnection) {
        if (counted.mux === undefined) {
          this.#goAway(session);
        } else {
          counted.mux.drain();
        }
      }
    }
  }

  #goAway(session: ServerHttp2Session): void {
    this.trace.note("plugin sent GOAWAY without error");
    session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
    session.close();
  }

  /** What exchanges of a check that is over do is of no interest to the next one. */
  #watch(): ExchangeWatch {
    const record = this.#record;
    return {
      note: (line) => record.trace.note(line),
      changed: () => record.deadline?.changed(),
      violation: (text) => {
        record.violation ??= text;
        record.deadline?.changed();
      },
    };
  }
}

function ignore(): void {
  // Nothing of it is needed.
}
