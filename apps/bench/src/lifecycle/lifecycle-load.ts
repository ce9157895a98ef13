import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { SeededRandom } from "@servehttp/testkit";

import { seededBytes } from "../load/seeded-bytes.js";

/** How requests came out. */
export interface LoadCounts {
  /** 200 with every byte as it should be. */
  whole: number;
  /** 503. */
  refused: number;
  /** 502: the connection to the plugin broke before the head. */
  lost: number;
  /** Broken behind the head, or with it: the connection was reset. */
  broken: number;
  /** Another status, or no connection. */
  failed: number;
  /** A wrong byte, or an end that looks clean and comes too soon. */
  wrong: number;
}

export type LoadOutcome = keyof LoadCounts;

const bytesMax = 200_000;
const clientCount = 30;

/** Clients that ask plugins for bytes that they know, at a rate, until they are told to stop. */
export class LifecycleLoad implements AsyncDisposable {
  readonly counts: LoadCounts = { whole: 0, refused: 0, lost: 0, broken: 0, failed: 0, wrong: 0 };
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;
  readonly #clients: readonly Promise<void>[];
  #isOver = false;

  /**
   * @param ids of plugins; without any it only answers `ask`
   * @param perSecond requests of all clients together
   */
  constructor(port: number, ids: readonly string[], perSecond: number, seed: number) {
    this.#port = port;
    const count = ids.length === 0 ? 0 : clientCount;
    this.#clients = Array.from({ length: count }, (_, index) =>
      this.#client(ids, (1_000 * clientCount) / perSecond, new SeededRandom(seed + index)),
    );
  }

  /** One request, which counts nothing. */
  ask(id: string, count: number, seed: number): Promise<LoadOutcome> {
    return requestBytes(this.#agent, this.#port, id, count, seed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #client(ids: readonly string[], everyMs: number, random: SeededRandom): Promise<void> {
    for (let dueMs = performance.now(); !this.#isOver; dueMs += everyMs) {
      await delay(Math.max(0, dueMs - performance.now()));
      const count = random.integer(0, bytesMax);
      this.counts[await this.ask(random.pick(ids), count, random.integer(1, 1e9))] += 1;
    }
  }
}

function requestBytes(
  agent: Agent,
  port: number,
  id: string,
  count: number,
  seed: number,
): Promise<LoadOutcome> {
  return new Promise((resolve) => {
    const path = `/plugins/${id}/bytes?count=${count}&seed=${seed}`;
    const request = get({ agent, port, host: "127.0.0.1", path }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        const { statusCode } = response;
        resolve(statusCode === 503 ? "refused" : statusCode === 502 ? "lost" : "failed");
        return;
      }
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve("broken"));
      response.on("end", () => {
        resolve(Buffer.concat(chunks).equals(expected(count, seed)) ? "whole" : "wrong");
      });
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ECONNRESET" ? "broken" : "failed");
    });
  });
}

function expected(count: number, seed: number): Buffer {
  const blocks: Uint8Array[] = [];
  let bytes = 0;
  for (const block of seededBytes(seed)) {
    if (bytes >= count) {
      break;
    }
    blocks.push(block);
    bytes += block.length;
  }
  return Buffer.concat(blocks).subarray(0, count);
}
