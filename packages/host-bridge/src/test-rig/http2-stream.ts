import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { until } from "@servehttp/testkit";

/** Connects, and waits for the server's settings. */
export async function connectHttp2(
  port: number,
  scheme: "http" | "https" = "http",
): Promise<ClientHttp2Session & AsyncDisposable> {
  const session = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  let ready = false;
  session.once("remoteSettings", () => {
    ready = true;
  });
  session.on("error", () => {
    // The tests look at what became of their streams.
  });
  await until(() => ready, "the server's settings");
  return Object.assign(session, {
    async [Symbol.asyncDispose]() {
      session.destroy();
      await until(() => session.destroyed, "the connection is closed");
    },
  });
}

/** A client's stream, with all that came on it. */
export class Http2Stream {
  readonly stream: ClientHttp2Stream;
  readonly informational: IncomingHttpHeaders[] = [];
  response: IncomingHttpHeaders | undefined;
  trailers: IncomingHttpHeaders | undefined;
  /** As Latin-1. */
  body = "";
  ended = false;
  /** Once it is closed. */
  resetCode: number | undefined;

  constructor(session: ClientHttp2Session, fields: OutgoingHttpHeaders, endStream = true) {
    const stream = session.request(fields, { endStream });
    this.stream = stream;
    stream.on("headers", (headers) => void this.informational.push(headers));
    stream.on("response", (headers) => {
      this.response = headers;
    });
    stream.on("trailers", (trailers) => {
      this.trailers = trailers;
    });
    stream.on("data", (chunk: Buffer) => {
      this.body += chunk.toString("latin1");
    });
    stream.on("end", () => {
      this.ended = true;
    });
    stream.on("error", () => {
      // `resetCode` says it.
    });
    stream.on("close", () => {
      this.resetCode = stream.rstCode;
    });
  }

  get status(): number | undefined {
    return this.response?.[":status"] as number | undefined;
  }

  async closed(): Promise<void> {
    await until(() => this.resetCode !== undefined, "the stream is closed");
  }
}
