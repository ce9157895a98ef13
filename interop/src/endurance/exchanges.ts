import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningHost } from "./running-host.js";
import type { SeededRandom } from "@servehttp/testkit";
import { WrongBytes } from "./tally.js";

/** Who makes the exchanges of one kind at one plugin, one after the other. */
export interface TrafficClient {
  readonly host: RunningHost;
  readonly plugin: string;
  readonly random: SeededRandom;
  /** Random bytes to take bodies from, 2 MiB. */
  readonly bytes: Buffer;
  /** Connections that are kept. */
  readonly agent: Agent;
  /** Aborts when the run is over: what would go on leaves, everything else ends by itself. */
  readonly over: AbortSignal;
}

/** How an exchange came out that nothing is wrong with. What is lost or wrong is thrown. */
export type ExchangeOutcome = "right" | "left";

/**
 * Longer than any exchange takes, on a machine with no time for it. Node accepts one connection in a turn of its event loop, so the
 * last of a thousand that come at once waits for a thousand turns.
 */
const answerMsMax = 300_000;

export async function smallRequest(client: TrafficClient): Promise<ExchangeOutcome> {
  const value = client.random.bytes(16).toString("hex");
  const request = open(client, "/headers", { headers: { "X-M": value }, agent: client.agent });
  request.end();
  const response = await answerTo(request, 200);
  const body = Buffer.concat(await response.toArray()).toString();
  if (body !== "GET /headers" || response.headers["x-m"] !== value) {
    throw new WrongBytes(`answered with ${JSON.stringify(body)}`);
  }
  return "right";
}

/** From one byte to 1 MiB, with a declared length or without, back chunk by chunk. */
export async function echo(client: TrafficClient): Promise<ExchangeOutcome> {
  const body = takeBody(client, 2 ** client.random.integer(0, 20));
  const declared = client.random.integer(0, 1) === 1 ? { "Content-Length": body.length } : {};
  const headers = { TE: "trailers", ...declared };
  const request = open(client, "/echo", { method: "POST", headers, agent: client.agent });
  request.end(body);
  const response = await answerTo(request, 200);
  await expectBody(response, body);
  if (response.trailers["x-bytes"] !== `${body.length}`) {
    throw new WrongBytes(
      `the trailer says ${response.trailers["x-bytes"]} of ${body.length} bytes`,
    );
  }
  return "right";
}

/** 20,000 bytes, which come back over two seconds. */
export async function slowResponse(client: TrafficClient): Promise<ExchangeOutcome> {
  const body = takeBody(client, 20_000);
  const request = open(client, "/slow", { method: "POST", agent: client.agent });
  request.end(body);
  await expectBody(await answerTo(request, 200), body);
  return "right";
}

/** An upload of up to 2 MiB that is answered before any of it is read. */
export async function earlyAnswer(client: TrafficClient): Promise<ExchangeOutcome> {
  const request = open(client, "/early", { method: "POST", agent: false });
  const answered = answerTo(request, 413);
  request.end(takeBody(client, client.random.integer(1, 2 << 20)));
  const response = await answered;
  const body = Buffer.concat(await response.toArray()).toString();
  request.destroy();
  if (body !== "too much") {
    throw new WrongBytes(`answered with ${JSON.stringify(body)}`);
  }
  return "right";
}

/** An upload that its handler never reads, until the client has had enough after 5 to 20 s. */
export async function stalledUpload(client: TrafficClient): Promise<ExchangeOutcome> {
  const beganMs = performance.now();
  const request = open(client, "/unread", { method: "POST", agent: false });
  request.write(client.bytes);
  const response = await answerTo(request, 200);
  const leaving = leaveAfter(client, request, client.random.integer(5_000, 20_000));
  try {
    const body = Buffer.concat(await response.toArray()).toString();
    expectStopped(client, beganMs);
    if (body !== "unread") {
      throw new WrongBytes(`answered with ${JSON.stringify(body)}`);
    }
    return "right";
  } catch (error) {
    return leaving.asLeft(error);
  } finally {
    leaving.stop();
    request.destroy();
  }
}

/** Listens for 30 s to 5 minutes. The stream ends only with a plugin that was asked to end. */
export async function eventStream(client: TrafficClient): Promise<ExchangeOutcome> {
  const beganMs = performance.now();
  const request = open(client, "/events", { agent: false });
  request.end();
  const response = await answerTo(request, 200);
  const leaving = leaveAfter(client, request, client.random.integer(30_000, 300_000));
  try {
    let next = 1;
    let text = "";
    for await (const piece of response) {
      const events = (text + String(piece)).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        if (event !== `data: ${next}`) {
          throw new WrongBytes(`in place of event ${next} came ${JSON.stringify(event)}`);
        }
        next += 1;
      }
    }
    expectStopped(client, beganMs);
    return "right";
  } catch (error) {
    return leaving.asLeft(error);
  } finally {
    leaving.stop();
    request.destroy();
  }
}

/** 50 to 300 clients who come at once, ask for one thing or another, and leave within 200 ms. */
export async function leavingClients(client: TrafficClient): Promise<ExchangeOutcome> {
  const { random } = client;
  const clients = Array.from({ length: random.integer(50, 300) }, async () => {
    const socket = connect(client.host.port, "127.0.0.1");
    socket.on("error", () => {
      // Whoever leaves doesn't care.
    });
    const path = `/plugins/${client.plugin}`;
    const get = `GET ${path}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const half = `POST ${path}/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf`;
    socket.write(random.integer(0, 1) === 1 ? get : half);
    await delay(random.integer(0, 200));
    socket.destroy();
  });
  await Promise.all(clients);
  return "left";
}

function open(client: TrafficClient, path: string, options: RequestOptions): ClientRequest {
  const request = httpRequest({
    ...options,
    host: "127.0.0.1",
    port: client.host.port,
    path: `/plugins/${client.plugin}${path}`,
  });
  request.on("error", () => {
    // Whoever waits for the answer is told; behind it, only the rest of an upload isn't wanted.
  });
  return request;
}

async function answerTo(request: ClientRequest, status: number): Promise<IncomingMessage> {
  const timer = setTimeout(
    () => request.destroy(new Error(`no answer in ${answerMsMax / 1_000} s`)),
    answerMsMax,
  );
  try {
    const [response] = (await once(request, "response")) as [IncomingMessage];
    if (response.statusCode !== status) {
      response.resume();
      const reason = String(response.headers["proxy-status"]);
      throw new Error(`answered with ${response.statusCode}, ${reason}`);
    }
    return response;
  } finally {
    clearTimeout(timer);
  }
}

function takeBody({ bytes, random }: TrafficClient, length: number): Buffer {
  const at = random.integer(0, bytes.length - length);
  return bytes.subarray(at, at + length);
}

async function expectBody(response: IncomingMessage, body: Buffer): Promise<void> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of response) {
    length += piece.length;
    hash.update(piece);
  }
  if (hash.digest("hex") !== createHash("sha256").update(body).digest("hex")) {
    throw new WrongBytes(`${length} bytes came back for ${body.length}, or others`);
  }
}

/** A response without an end of its own that ended all the same: only where the run has asked the plugin to end. */
function expectStopped({ host, plugin }: TrafficClient, beganMs: number): void {
  if (!host.signalledBetween(plugin, "SIGTERM", beganMs - 1_000, performance.now())) {
    throw new Error("ended as if it were complete, with the plugin still running");
  }
}

interface Leaving {
  /** What an error means: that the client left, if it has, or else itself. */
  asLeft(error: unknown): "left";
  stop(): void;
}

/** Breaks the connection after a time, or when the run is over. */
function leaveAfter({ over }: TrafficClient, request: ClientRequest, millis: number): Leaving {
  let left = false;
  const leave = (): void => {
    left = true;
    request.destroy();
  };
  const timer = setTimeout(leave, millis);
  over.addEventListener("abort", leave, { once: true });
  if (over.aborted) {
    leave();
  }
  return {
    asLeft(error) {
      if (left && !(error instanceof WrongBytes)) {
        return "left";
      }
      throw error;
    },
    stop() {
      clearTimeout(timer);
      over.removeEventListener("abort", leave);
    },
  };
}
