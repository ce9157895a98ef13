import type { SeededRandom } from "@servehttp/testkit";
import {
  Http1Client,
  Http2Client,
  type HttpClient,
  type TestRequest,
} from "servehttp-conformance/testing";
import { seededBytes, sha256 } from "../seeded-bytes.js";

/**
 * How a request came out: `right` is status 200 with exactly the bytes that were due. `truncated` is a clean end after
 * less than that, and `wrong` any other bytes. `broken` is a failure that the client sees as one.
 */
export type Outcome = "right" | "truncated" | "wrong" | "broken" | "stuck" | `status ${number}`;

/** One request of a load. Times are those of `performance.now()`. */
export interface LoadResult {
  readonly plugin: string;
  readonly kind: string;
  readonly protocol: string;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly outcome: Outcome;
}

/** A request with what is due as its answer. */
interface Due {
  readonly kind: string;
  readonly request: TestRequest;
  readonly bytes: number;
  readonly sha256: string;
}

/** More are not open at once; what is due beyond that is left out and counted. */
const openMax = 500;
const tickMs = 10;
/** Longer than any request waits for a plugin. */
const stuckMs = 30_000;
/** Bodies have up to 16 KiB, and some have this. */
const largeBytes = 512 * 1024;

/** Requests at an even rate, whatever becomes of them, over HTTP/1.1 and HTTP/2, for several plugins. */
export class SteadyLoad {
  readonly results: LoadResult[] = [];
  /** Requests that were due while too many were open. */
  leftOut = 0;
  readonly #clients: readonly HttpClient[];
  readonly #plugins: readonly string[];
  readonly #random: SeededRandom;
  readonly #perSecond: number;
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    ports: { readonly http1Port: number; readonly http2Port: number },
    plugins: readonly string[],
    random: SeededRandom,
    perSecond: number,
  ) {
    this.#clients = [new Http1Client(ports.http1Port), new Http2Client(ports.http2Port)];
    this.#plugins = plugins;
    this.#random = random;
    this.#perSecond = perSecond;
  }

  start(): void {
    const startedMs = performance.now();
    let begun = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) / 1_000) * this.#perSecond);
      for (; begun < due; begun += 1) {
        if (this.#open.size >= openMax) {
          this.leftOut += 1;
        } else {
          this.#begin();
        }
      }
    }, tickMs);
  }

  /** Begins no more. Resolves when what is open has come out. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    for (const client of this.#clients) {
      client[Symbol.dispose]();
    }
  }

  #begin(): void {
    const plugin = this.#random.pick(this.#plugins);
    const client = this.#random.pick(this.#clients);
    const due = this.#next(`/plugins/${plugin}`);
    const beganMs = performance.now();
    const running = outcomeOf(client, due).then((outcome) => {
      const { kind } = due;
      const { protocol } = client;
      this.results.push({
        plugin,
        kind,
        protocol,
        beganMs,
        endedMs: performance.now(),
        outcome,
      });
      this.#open.delete(running);
    });
    this.#open.add(running);
  }

  #next(base: string): Due {
    const random = this.#random;
    const bytes = random.integer(1, 50) === 1 ? largeBytes : 2 ** random.integer(0, 14);
    const seed = String(random.integer(1, 20));
    const kind = random.pick(["bytes", "bytes", "hash", "echo"] as const);
    const body = bodyOf(seed, bytes);
    switch (kind) {
      case "bytes": {
        const path = `${base}/bytes?seed=${seed}&size=${bytes}`;
        return { kind, request: { path }, bytes, sha256: body.sha256 };
      }
      case "echo": {
        const request = { path: `${base}/echo`, body: body.content };
        return { kind, request, bytes, sha256: body.sha256 };
      }
      case "hash": {
        const request = { path: `${base}/hash`, body: body.content };
        return { kind, request, bytes: 64, sha256: sha256(body.sha256) };
      }
    }
  }
}

interface Body {
  readonly content: Uint8Array;
  readonly sha256: string;
}

const bodies = new Map<string, Body>();

/** There are few enough of them to keep. */
function bodyOf(seed: string, bytes: number): Body {
  const key = `${seed} ${bytes}`;
  let body = bodies.get(key);
  if (body === undefined) {
    const content = seededBytes(seed, bytes);
    body = { content, sha256: sha256(content) };
    bodies.set(key, body);
  }
  return body;
}

async function outcomeOf(client: HttpClient, due: Due): Promise<Outcome> {
  const open = client.open(due.request);
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    open.leave();
  }, stuckMs);
  try {
    const { status } = await open.head;
    const body = await open.rest();
    if (status !== 200) {
      return `status ${status}`;
    }
    if (body.byteLength < due.bytes) {
      return "truncated";
    }
    return sha256(body) === due.sha256 ? "right" : "wrong";
  } catch {
    return isStuck ? "stuck" : "broken";
  } finally {
    clearTimeout(timer);
  }
}

/** How often each outcome came. */
export function countOutcomes(results: readonly LoadResult[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of results) {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", ");
}
