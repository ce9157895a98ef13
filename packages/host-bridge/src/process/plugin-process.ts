import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Logger } from "@servehttp/contract";
import { outputEndMs } from "../limits.js";
import { OutputLines } from "./output-lines.js";
import { type CallAccess, pluginEnvironment } from "./plugin-environment.js";
import { lineText, logPluginLine } from "./log-plugin-line.js";
import { shortageText } from "./system-shortage.js";
import { withDetails } from "./with-details.js";

/** What a process is started with. */
export interface PluginProcessOptions {
  readonly pluginId: string;
  /** Where its clients find it, such as `"/plugins/notes"`. */
  readonly basePath: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  /** The plugin's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it is to listen: `unix:/path`. */
  readonly address: string;
  readonly token: string;
  /** How it calls other plugins. Default: it may not. */
  readonly calls?: CallAccess | undefined;
  /** For its output, one record a line; names the plugin in each. */
  readonly logger: Required<Logger>;
}

/** How a process came to its end. */
export type ProcessExit =
  | { readonly kind: "not-started"; readonly error: Error }
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals };

/** The descriptor, in the plugin, of a pipe whose other end only the host holds. */
const hostFd = 3;

/**
 * One process of a plugin, from its start to the end of everything that it started.
 *
 * It leads a process group of its own. So a signal from the terminal reaches the host alone, and
 * the processes that the plugin started can be ended with it. It inherits one end of a pipe
 * (SERVEHTTP_HOST_FD): however the host dies, the kernel closes the other end.
 */
export class PluginProcess {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Settles when the process and its group are gone and its output is read. Never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #logger: Required<Logger>;
  readonly #stderr: OutputLines;
  readonly #sent = new Set<NodeJS.Signals>();
  #isOver = false;
  #wasAsked = false;

  constructor(options: PluginProcessOptions) {
    const child = spawned(options);
    this.pid = child instanceof Error ? undefined : child.pid;
    this.#logger = withDetails(options.logger, { pluginPid: this.pid });
    if (child instanceof Error) {
      this.#stderr = logLines(undefined, this.#logger, "stderr");
      this.exited = Promise.resolve({ kind: "not-started", error: startError(child, options) });
      return;
    }
    logLines(child.stdout, this.#logger, "stdout");
    this.#stderr = logLines(child.stderr, this.#logger, "stderr");
    // Nobody writes to this pipe. What a plugin writes all the same is dropped, and so is an error.
    const pipe = child.stdio?.[hostFd] as Readable | null | undefined;
    pipe?.on("error", () => undefined).resume();
    this.exited = this.#observe(child, options, outputClosed(child));
  }

  /** The last lines on standard error, escaped. Of a logger's record it is the message alone. */
  stderrTail(): readonly string[] {
    return this.#stderr.tail().map(lineText);
  }

  /**
   * Whether the host has made it end. One that ended by a signal that the host has not sent was
   * dead before, or was killed by somebody else.
   */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  /** Asks the process and its group to end (SIGTERM). */
  ask(): void {
    this.#signal("SIGTERM");
  }

  /**
   * Asks the process and its group to end, and kills them when the grace has run out. Resolves as
   * `exited` does.
   *
   * @param graceMs 0: kills at once
   */
  async stop(graceMs: number): Promise<ProcessExit> {
    if (graceMs > 0) {
      this.ask();
    }
    const timer = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async #observe(
    child: ChildProcess,
    options: PluginProcessOptions,
    closed: Promise<unknown>,
  ): Promise<ProcessExit> {
    const exit = await new Promise<ProcessExit>((resolve) => {
      child.once("error", (error) =>
        resolve({ kind: "not-started", error: startError(error, options) }),
      );
      child.once("exit", (code, signal) =>
        resolve(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal }),
      );
    });
    this.#wasAsked = exit.kind === "signal" ? this.#sent.has(exit.signal) : this.#sent.size > 0;
    // Processes that it started and left. While one of them lives, no other group has this id.
    this.#signal("SIGKILL");
    this.#isOver = true;
    await outputRead(child, closed);
    return exit;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined || this.#isOver) {
      return;
    }
    this.#sent.add(signal);
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      // ESRCH: nobody is left in the group.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
        this.#logger.error({ err: error, signal }, "the plugin's processes can't be signalled");
      }
    }
  }
}

/** The child, or the error where `spawn` throws. It tells most errors later, by an event. */
function spawned(options: PluginProcessOptions): ChildProcess | Error {
  const [program = "", ...programArguments] = options.command;
  try {
    return spawn(program, programArguments, {
      cwd: options.cwd,
      env: pluginEnvironment(process.env, options.env, {
        pluginId: options.pluginId,
        basePath: options.basePath,
        address: options.address,
        token: options.token,
        hostFd,
        calls: options.calls,
      }),
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: true,
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Resolves when both streams of output are closed. Call it at once: a stream says it only once. */
function outputClosed(child: ChildProcess): Promise<unknown> {
  return Promise.all(
    [child.stdout, child.stderr].map(
      (stream: Readable | null | undefined) =>
        new Promise<void>((resolve) => {
          // Where no descriptors are left there are no pipes, whatever the types say.
          if (stream === null || stream === undefined) {
            resolve();
          } else {
            stream.once("close", () => resolve());
          }
        }),
    ),
  );
}

/**
 * Resolves when the output of a process that has ended is read. Where a process outside its group
 * still holds the pipes, the host closes its ends after a moment.
 */
async function outputRead(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const close = () => {
    for (const stream of child.stdio ?? []) {
      stream?.destroy();
    }
  };
  const timer = setTimeout(close, outputEndMs);
  await closed;
  clearTimeout(timer);
  close();
}

/** Says in words how a process ended: "exited with code 1". */
export function exitText(exit: ProcessExit): string {
  if (exit.kind === "not-started") {
    return exit.error.message;
  }
  return exit.kind === "code" ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}

function logLines(
  stream: Readable | null | undefined,
  logger: Required<Logger>,
  name: "stdout" | "stderr",
): OutputLines {
  const lines = new OutputLines(
    {
      line: (text, cut) => logPluginLine(logger, name, text, cut),
      dropped: (count) =>
        logger.warn({ stream: name, dropped: count }, "the plugin printed faster than is logged"),
    },
    () => performance.now(),
  );
  stream?.on("data", (chunk: Buffer) => lines.push(chunk));
  stream?.on("close", () => lines.end());
  stream?.on("error", (error) => logger.warn({ stream: name, err: error }, "output was lost"));
  return lines;
}

/** Why a program could not be started: the system's ENOENT does not say what is missing. */
function startError(error: NodeJS.ErrnoException, options: PluginProcessOptions): Error {
  const program = JSON.stringify(options.command[0] ?? "");
  if (options.cwd !== undefined && !existsSync(options.cwd)) {
    return new Error(`can't run: the directory ${JSON.stringify(options.cwd)} does not exist`);
  }
  if (error.code === "ENOENT") {
    return new Error(`can't run ${program}: there is no such program`);
  }
  if (error.code === "EACCES") {
    return new Error(`can't run ${program}: it may not be executed`);
  }
  const why =
    error.code === "EAGAIN"
      ? "the system starts no more processes (EAGAIN): raise the limit, ulimit -u"
      : (shortageText(error) ?? error.message);
  return new Error(`can't run ${program}: ${why}`);
}
