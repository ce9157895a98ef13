import { Agent, get } from "node:http";

/** What came of the requests so far. */
export interface LoadResult {
  readonly requests: number;
  /** Why requests failed, each once with how often. */
  readonly failures: ReadonlyMap<string, number>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Requests at a steady rate, on connections that are kept. */
export class SteadyLoad {
  readonly #urls: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #timer: NodeJS.Timeout;
  readonly #beganMs = performance.now();
  readonly #perSecond: number;
  readonly #running = new Set<Promise<void>>();
  readonly #tookMs: number[] = [];
  readonly #failures = new Map<string, number>();
  readonly #onBody: (url: string, body: string) => void;
  #sent = 0;

  /** @param onBody is called with each answer, and throws for one that is wrong */
  constructor(
    urls: readonly string[],
    perSecond: number,
    onBody: (url: string, body: string) => void,
  ) {
    this.#urls = urls;
    this.#perSecond = perSecond;
    this.#onBody = onBody;
    this.#timer = setInterval(() => this.#send(), 5);
  }

  /** Sends nothing more. Resolves when all requests have their answers. */
  async end(): Promise<LoadResult> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    this.#agent.destroy();
    const sorted = this.#tookMs.toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return {
      requests: this.#sent,
      failures: this.#failures,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  }

  /** As many as are due by now. */
  #send(): void {
    const due = ((performance.now() - this.#beganMs) / 1_000) * this.#perSecond;
    while (this.#sent < due) {
      const url = this.#urls[this.#sent % this.#urls.length] ?? "";
      this.#sent += 1;
      const request = this.#ask(url).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
      });
      this.#running.add(request);
      void request.then(() => this.#running.delete(request));
    }
  }

  async #ask(url: string): Promise<void> {
    const beganMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.once("error", reject);
        response.once("end", () => {
          if (response.statusCode !== 200 || !response.complete) {
            reject(new Error(`status ${response.statusCode}: ${body.trim()}`));
            return;
          }
          try {
            this.#onBody(url, body);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
      request.once("error", reject);
    });
    this.#tookMs.push(performance.now() - beganMs);
  }
}
