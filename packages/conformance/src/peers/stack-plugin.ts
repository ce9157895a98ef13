import { once } from "node:events";
import {
  constants,
  createServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Stream,
  type ServerOptions,
  type Settings,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  Carrier,
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  PluginService,
} from "@servehttp/contract/services";
import { type GateTraits, StackGate } from "servehttp-conformance/testing";

const { describe, serveHTTP } = PluginService.method;

/** A response message, as far as it is set. */
export type StackMessage = MessageInitShape<typeof PluginService.method.serveHTTP.output>;

/** What a stack does that others don't. */
export interface StackTraits extends GateTraits {
  /** Of `node:http2`'s server: windows, streams at once, resets. */
  readonly options?: ServerOptions;
  /**
   * Of connections that are made once `Describe` has been answered, which needs a stream itself.
   */
  readonly settingsAfterDescribe?: Settings;
  /** Says that it goes once a connection has had so many exchanges, as a limit on its age does. */
  readonly exchangesPerConnection?: number;
  /** Resets every exchange with this code. */
  readonly resetCode?: number;
}

/** One exchange at the plugin. */
export interface StackExchange {
  readonly url: string;
  readonly stream: ServerHttp2Stream;
  /** Sends parts of the response. */
  send(message: StackMessage): void;
  /** Answers and ends. */
  answer(status: number, body?: string): void;
}

/** A plugin on the stream carrier whose server is like one of the gRPC stacks that exist. */
export class StackPlugin implements AsyncDisposable {
  readonly url: string;
  /** Connections that carried an exchange so far. */
  readonly sessions: Set<Http2Session>;
  /** GOAWAYs and the like that a connection ended with, other than in good order. */
  readonly errors: string[];
  readonly #server: Http2Server;
  readonly #gate: StackGate;

  private constructor(
    server: Http2Server,
    gate: StackGate,
    sessions: Set<Http2Session>,
    errors: string[],
  ) {
    this.#server = server;
    this.#gate = gate;
    this.sessions = sessions;
    this.errors = errors;
    this.url = `http://127.0.0.1:${gate.port}`;
  }

  static async start(
    traits: StackTraits,
    onExchange: (exchange: StackExchange) => void,
  ): Promise<StackPlugin> {
    const server = createServer(traits.options ?? {});
    const sessions = new Set<Http2Session>();
    const exchanges = new Map<Http2Session, number>();
    const errors: string[] = [];
    server.on("session", (session) => {
      session.on("error", (error: Error) => errors.push(error.message));
    });
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      const rpc = headers[":path"]?.split("/").at(-1);
      const { session } = stream;
      if (rpc === "Describe") {
        answerOnce(stream, describeMessage);
        if (traits.settingsAfterDescribe !== undefined) {
          server.updateSettings(traits.settingsAfterDescribe);
        }
      } else if (rpc === "Check") {
        answerOnce(stream, servingMessage);
      } else if (rpc === "ServeHTTP" && session !== undefined) {
        sessions.add(session);
        const count = (exchanges.get(session) ?? 0) + 1;
        exchanges.set(session, count);
        if (traits.resetCode === undefined) {
          serve(stream, onExchange);
        } else {
          stream.close(traits.resetCode);
        }
        if (count === traits.exchangesPerConnection) {
          session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
          session.close();
        }
      } else {
        stream.respond({ ...grpcHead, "grpc-status": "12" }, { endStream: true });
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const loopback = { host: "127.0.0.1", port: 0 };
    const behind = { ...loopback, port: (server.address() as AddressInfo).port };
    const gate = await StackGate.open(loopback, behind, traits);
    return new StackPlugin(server, gate, sessions, errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gate[Symbol.asyncDispose]();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }
}

const grpcHead = { ":status": 200, "content-type": "application/grpc" };

function serve(stream: ServerHttp2Stream, onExchange: (exchange: StackExchange) => void): void {
  const send = (message: StackMessage): void => {
    if (!stream.destroyed && !stream.writableEnded) {
      const bytes = toBinary(serveHTTP.output, create(serveHTTP.output, message));
      stream.write(envelope(bytes));
    }
  };
  let kept = Buffer.alloc(0);
  const onData = (input: Buffer) => {
    kept = Buffer.concat([kept, input]);
    const end = kept.length < 5 ? Number.POSITIVE_INFINITY : 5 + kept.readUInt32BE(1);
    if (kept.length < end) {
      return;
    }
    stream.off("data", onData);
    stream.pause();
    const { init } = fromBinary(serveHTTP.input, kept.subarray(5, end));
    stream.respond(grpcHead, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    onExchange({
      url: init?.url ?? "",
      stream,
      send,
      answer(status, body = "") {
        const chunk = body === "" ? {} : { chunk: Buffer.from(body) };
        send({ init: { status }, ...chunk, end: {} });
        stream.end();
      },
    });
  };
  stream.on("data", onData);
}

function answerOnce(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.resume();
  stream.respond(grpcHead, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(envelope(message));
}

function envelope(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const describeMessage = toBinary(
  describe.output,
  create(describe.output, {
    contractVersion: 1,
    servesHttp: true,
    carriers: [Carrier.STREAM],
    software: "a stack",
  }),
);

const servingMessage = toBinary(
  Health.method.check.output,
  create(Health.method.check.output, { status: ServingStatus.SERVING }),
);
