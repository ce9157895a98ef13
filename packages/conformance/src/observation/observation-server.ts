import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJsonLines, writeJsonLine } from "./json-lines.js";
import type { FromProcess, ToProcess } from "./observer.js";
import type { ProcessReport } from "./process-report.js";

/** A process that said hello, as the test sees it. */
export interface ObservedProcess {
  readonly role: string;
  readonly pid: number;
  /** What it said of itself in its hello. */
  readonly detail: unknown;
  /** Asks it what it holds. */
  report(): Promise<ProcessReport>;
}

/** An event that a handler reported. */
export interface ObservedEvent {
  readonly exchange: string;
  readonly name: string;
  readonly detail: unknown;
}

/** The test's end of the side channel. */
export class ObservationServer implements AsyncDisposable {
  /** Where observed processes connect to. */
  readonly path: string;

  readonly #server: Server;
  readonly #directory: string;
  readonly #sockets = new Set<Socket>();
  readonly #processes: ObservedProcess[] = [];
  readonly #events = new Map<string, ObservedEvent[]>();
  readonly #reports = new Map<number, (report: ProcessReport) => void>();
  #changed = Promise.withResolvers<void>();
  #calls = 0;

  private constructor(server: Server, directory: string, path: string) {
    this.#server = server;
    this.#directory = directory;
    this.path = path;
    server.on("connection", (socket) => {
      this.#welcome(socket);
    });
  }

  /** Listens in a fresh directory. */
  static async listen(): Promise<ObservationServer> {
    const directory = await mkdtemp(join(tmpdir(), "servehttp-observe-"));
    const path = join(directory, "observe.sock");
    const server = createServer();
    server.listen(path);
    await once(server, "listening");
    return new ObservationServer(server, directory, path);
  }

  /** The latest process of a role other than the given one; waits for it. */
  async process(role: string, notPid = 0): Promise<ObservedProcess> {
    for (;;) {
      const found = this.#processes.findLast((one) => one.role === role && one.pid !== notPid);
      if (found !== undefined) {
        return found;
      }
      await this.#changed.promise;
    }
  }

  /** The detail of the `index`-th event of that name in an exchange; waits for it. */
  async next(exchange: string, name: string, index = 0): Promise<unknown> {
    for (;;) {
      const found = this.seen(exchange, name)[index];
      if (found !== undefined) {
        return found.detail;
      }
      await this.#changed.promise;
    }
  }

  /** The events of an exchange so far, all or those of one name. */
  seen(exchange: string, name?: string): readonly ObservedEvent[] {
    const events = this.#events.get(exchange) ?? [];
    return name === undefined ? events : events.filter((event) => event.name === name);
  }

  /** Opens a gate of an exchange, in every process. */
  open(exchange: string, gate: string): void {
    this.#sayToAll({ kind: "open", exchange, gate });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // A killed process resets its connection. Tests wait for the process itself.
    socket.on("error", () => socket.destroy());
    readJsonLines(socket, (value) => {
      this.#take(socket, value as FromProcess);
    });
  }

  #take(socket: Socket, message: FromProcess): void {
    switch (message.kind) {
      case "hello": {
        const { role, pid, detail } = message;
        this.#processes.push({ role, pid, detail, report: () => this.#report(socket) });
        break;
      }
      case "event": {
        const events = this.#events.get(message.exchange) ?? [];
        events.push(message);
        this.#events.set(message.exchange, events);
        break;
      }
      case "report": {
        this.#reports.get(message.call)?.(message.report);
        this.#reports.delete(message.call);
        break;
      }
    }
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }

  #report(socket: Socket): Promise<ProcessReport> {
    this.#calls += 1;
    const call = this.#calls;
    const { promise, resolve } = Promise.withResolvers<ProcessReport>();
    this.#reports.set(call, resolve);
    writeJsonLine(socket, { kind: "report", call } satisfies ToProcess);
    return promise;
  }

  #sayToAll(message: ToProcess): void {
    for (const socket of this.#sockets) {
      writeJsonLine(socket, message);
    }
  }
}
