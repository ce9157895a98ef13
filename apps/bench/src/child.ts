import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ChildOptions {
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Opens an IPC channel, for `ask`. Only for Node programs. */
  readonly ipc?: boolean;
}

/** How long a child may take to leave after SIGTERM before it is killed. */
const stopMs = 5_000;
/** A child that does not answer a question for this long is stuck, and is killed. */
const patienceMs = 60_000;
/** How much of a child's output is kept to explain its failure. */
const stderrCharactersMax = 4_000;

const alive = new Set<Child>();

/**
 * A process of its own: a server under measurement or a load generator. Ends, by its own pid, when
 * it is disposed of, and with this process at the latest.
 */
export class Child implements AsyncDisposable {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #left: Promise<string>;
  #stderr = "";

  constructor(name: string, command: readonly string[], options: ChildOptions = {}) {
    const [file = "", ...args] = command;
    this.name = name;
    this.#process = spawn(file, args, {
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe", ...(options.ipc === true ? ["ipc" as const] : [])],
      serialization: "json",
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharactersMax);
    });
    // A child that has ended can't be told to stop. That is no error here: `#left` says why.
    this.#process.stdin?.on("error", () => undefined);
    this.#left = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve(error.message));
      this.#process.once("close", (code, signal) => resolve(`exit ${signal ?? code}`));
    });
    alive.add(this);
    void this.#left.then(() => alive.delete(this));
    const { stdout } = this.#process;
    if (stdout === null) {
      throw new Error(`${name}: no stdout`);
    }
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    if (this.#process.pid === undefined) {
      throw new Error(`${this.name} did not start`);
    }
    return this.#process.pid;
  }

  /**
   * The next line that the child prints on stdout. Throws when it leaves without one, or stays
   * silent for `silentMsMax`: 60 seconds by default.
   */
  async line(silentMsMax = patienceMs): Promise<string> {
    const next = await this.#patiently(this.#lines.next(), silentMsMax);
    if (next.done === true) {
      throw await this.#failure();
    }
    return next.value;
  }

  /** The next line, as JSON. The caller knows its shape, because the program is its own. */
  async json<T>(silentMsMax?: number): Promise<T> {
    const line = await this.line(silentMsMax);
    try {
      return JSON.parse(line) as T;
    } catch (cause) {
      throw new Error(`${this.name} printed ${JSON.stringify(line)}`, { cause });
    }
  }

  /** All of stdout, once the child has left by itself with code 0. Throws where it did not. */
  async output(): Promise<string> {
    let output = "";
    for (let next = await this.#lines.next(); next.done !== true; next = await this.#lines.next()) {
      output += `${next.value}\n`;
    }
    if ((await this.#left) !== "exit 0") {
      throw await this.#failure();
    }
    return output;
  }

  /** Sends a message over IPC and returns the answer. One question at a time. */
  async ask<T>(question: string): Promise<T> {
    const answer = new Promise<T>((resolve) =>
      this.#process.once("message", (a) => resolve(a as T)),
    );
    this.#process.send(question);
    const left = this.#left.then(() => Promise.reject(this.#failureNow()));
    return this.#patiently(Promise.race([answer, left]));
  }

  /** Whether it has left already. */
  get gone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Ends its stdin, which the load generators take as the word to stop. */
  closeInput(): void {
    this.#process.stdin?.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.gone || this.#process.pid === undefined) {
      return;
    }
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), stopMs);
    await this.#left;
    clearTimeout(timer);
  }

  async #patiently<T>(answer: Promise<T>, silentMsMax = patienceMs): Promise<T> {
    const timer = setTimeout(() => {
      this.#stderr += `\nsilent for ${silentMsMax / 1_000} s`;
      this.kill("SIGKILL");
    }, silentMsMax);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #failure(): Promise<Error> {
    await this.#left;
    return this.#failureNow();
  }

  #failureNow(): Error {
    const exit = this.#process.signalCode ?? this.#process.exitCode;
    return new Error(`${this.name} left (${exit}): ${this.#stderr.trim() || "without a word"}`);
  }
}

/**
 * Ends every child when this process ends, however it ends: an interrupted run leaves none behind.
 */
export function endChildrenWithThisProcess(): void {
  process.once("exit", () => {
    for (const child of alive) {
      child.kill("SIGTERM");
    }
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(1));
  }
}
