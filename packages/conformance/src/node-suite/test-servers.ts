import type { Server } from "node:http";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { type Front, frontOf } from "./front.js";
import type { Answer, Question, Told, Way } from "./messages.js";

/** What stands in front of the servers of one test's process, which asks for it by its preload. */
export class TestServers implements AsyncDisposable {
  readonly #way: Way;
  readonly #carrier: "mux" | "stream";
  readonly #tell: Duplex;
  readonly #fronts = new Map<number, Front>();
  #count = 0;

  constructor(way: Way, carrier: "mux" | "stream", ask: Duplex, tell: Duplex) {
    this.#way = way;
    this.#carrier = carrier;
    this.#tell = tell;
    const questions = createInterface({ input: ask });
    for (const stream of [ask, tell, questions]) {
      // The process is gone, whatever it was.
      stream.on("error", () => undefined);
    }
    questions.on("line", (line) => {
      void this.#answer(JSON.parse(line) as Question).then((answer) =>
        ask.write(`${JSON.stringify(answer)}\n`),
      );
    });
  }

  /** How many servers have listened. */
  get count(): number {
    return this.#count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const front of this.#fronts.values()) {
      front.server.close();
      front.server.closeAllConnections();
    }
    await Promise.all(Array.from(this.#fronts.values(), (front) => front.stop()));
  }

  async #answer(question: Question): Promise<Answer> {
    if (question.kind === "listen") {
      return await this.#listen(question);
    }
    const front = this.#fronts.get(question.server);
    if (front === undefined) {
      return { kind: "error", message: "there is no such server", details: {} };
    }
    const told = (event: Told["event"]) => () =>
      this.#tell.write(`${JSON.stringify({ server: question.server, event } satisfies Told)}\n`);
    switch (question.kind) {
      case "serve":
        void front.serve().then(told("ready"));
        break;
      case "close":
        front.server.close(() => void front.stop().then(told("closed")));
        break;
      case "close connections":
        if (question.which === "all") {
          front.server.closeAllConnections();
        } else {
          front.server.closeIdleConnections();
        }
        break;
      case "count connections":
        return { kind: "count", count: await connectionsOf(front.server) };
    }
    return { kind: "done" };
  }

  async #listen(question: Extract<Question, { kind: "listen" }>): Promise<Answer> {
    const front = frontOf(this.#way, this.#carrier, question);
    this.#fronts.set(question.server, front);
    try {
      await listening(front.server, question.options);
      this.#count += 1;
      return { kind: "address", address: front.server.address() };
    } catch (error) {
      this.#fronts.delete(question.server);
      await front.stop();
      const details = Object.fromEntries(Object.entries(error as Error));
      return { kind: "error", message: (error as Error).message, details };
    }
  }
}

function listening(server: Server, options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, resolve);
  });
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
}
