import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { countHttp2Streams } from "./count-http2-streams.js";
import { readJsonLines, writeJsonLine } from "./json-lines.js";
import { type ProcessReport, reportProcess, type ProcessTally } from "./process-report.js";

/** From an observed process to the test. */
export type FromProcess =
  | {
      readonly kind: "hello";
      readonly role: string;
      readonly pid: number;
      readonly detail: unknown;
    }
  | {
      readonly kind: "event";
      readonly exchange: string;
      readonly name: string;
      readonly detail: unknown;
    }
  | { readonly kind: "report"; readonly call: number; readonly report: ProcessReport };

/** From the test to an observed process. */
export type ToProcess =
  | { readonly kind: "open"; readonly exchange: string; readonly gate: string }
  | { readonly kind: "report"; readonly call: number };

/**
 * The observed process's end of the side channel. It is a unix socket of the test, so that nothing
 * under test takes part in the report of what a handler saw.
 */
export class Observer {
  /** Counted by whoever runs handlers. */
  readonly tally: ProcessTally = {
    exchanges: 0,
    running: 0,
    unhandled: [],
    http2Streams: countHttp2Streams(),
  };

  /** Called before the process ends. A process that has something to clean up replaces it. */
  beforeExit: () => Promise<void> = () => Promise.resolve();

  readonly #socket: Socket;
  readonly #opened = new Set<string>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    readJsonLines(socket, (value) => {
      this.#take(value as ToProcess);
    });
    // Without the test this process has nothing to do.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      void this.beforeExit().finally(() => process.exit(0));
    });
    process.on("unhandledRejection", (reason) => {
      this.tally.unhandled.push(
        reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
      );
    });
  }

  /** Connects to the test and says who this is. `detail` is for whoever waits for the process. */
  static async connect(path: string, role: string, detail?: unknown): Promise<Observer> {
    const socket = connect(path);
    await once(socket, "connect");
    const observer = new Observer(socket);
    observer.#say({ kind: "hello", role, pid: process.pid, detail: detail ?? null });
    return observer;
  }

  /** Reports an event of an exchange. */
  event(exchange: string, name: string, detail: unknown = null): void {
    this.#say({ kind: "event", exchange, name, detail });
  }

  /** Waits until the test opens the gate. */
  gate(exchange: string, gate: string): Promise<void> {
    const key = `${exchange}/${gate}`;
    if (this.#opened.has(key)) {
      return Promise.resolve();
    }
    const waiting = this.#waiting.get(key) ?? Promise.withResolvers<void>();
    this.#waiting.set(key, waiting);
    return waiting.promise;
  }

  #take(message: ToProcess): void {
    switch (message.kind) {
      case "open": {
        const key = `${message.exchange}/${message.gate}`;
        this.#opened.add(key);
        this.#waiting.get(key)?.resolve();
        this.#waiting.delete(key);
        return;
      }
      case "report": {
        void reportProcess(this.tally).then((report) => {
          this.#say({ kind: "report", call: message.call, report });
        });
        return;
      }
    }
  }

  #say(message: FromProcess): void {
    writeJsonLine(this.#socket, message);
  }
}
