import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CommandPluginOptions, HostOptions } from "@servehttp/host-bridge";
import { TemporaryDirectory } from "@servehttp/testkit";
import type { FromHost, HostCommand, SentStatus } from "./host-commands.js";

const program = (name: string) =>
  fileURLToPath(new URL(`../../dist/faults/${name}`, import.meta.url));

/** Stands in the environment of every plugin, so that its processes can be found. */
const markName = "SERVEHTTP_FAULT_RUN";

/** How the host's process is run, beside the usual. */
export interface HostProcess {
  /** Its standard output and error. Default: both are discarded. */
  readonly outputs?: readonly [number | "pipe" | "ignore", number | "pipe" | "ignore"];
  /** `ulimit -n` of its process. Default: as this one's. */
  readonly descriptorsMax?: number;
}

/** What the command of a plugin does. */
export type PluginKind = "good" | "exits" | "never ready";

/** The program of a plugin, with its arguments. */
export function faultCommand(kind: PluginKind): readonly string[] {
  const args: Readonly<Record<PluginKind, readonly string[]>> = {
    good: [program("fault-plugin.js")],
    exits: ["-e", "process.exit(3)"],
    "never ready": ["-e", "setInterval(() => undefined, 1_000)"],
  };
  return [process.execPath, ...args[kind]];
}

/** The options of a plugin of the fault runs. */
export function faultPlugin(kind: PluginKind, carrier: "mux" | "stream"): CommandPluginOptions {
  return { command: faultCommand(kind), carrier, env: { [markName]: mark } };
}

const mark = `${process.pid}-${Date.now()}`;

/** A host in a process of its own, with a directory for its temporary files. */
export class RunningHost implements AsyncDisposable {
  readonly http1Port: number;
  readonly http2Port: number;
  /** Where its temporary files go. */
  readonly directory: string;
  /** What the environment of its plugins has in it. */
  readonly mark = `${markName}=${mark}`;
  readonly process: ChildProcess;
  readonly #directory: TemporaryDirectory;
  readonly #answers = new Map<number, (answer: FromHost & { kind: "answer" }) => void>();
  readonly #exited: Promise<unknown>;
  #calls = 0;

  private constructor(
    child: ChildProcess,
    directory: TemporaryDirectory,
    ports: FromHost & { kind: "listening" },
  ) {
    this.process = child;
    this.#directory = directory;
    this.directory = directory.path;
    this.http1Port = ports.http1Port;
    this.http2Port = ports.http2Port;
    this.#exited = once(child, "exit");
    child.on("message", (message: FromHost) => {
      if (message.kind === "answer") {
        this.#answers.get(message.call)?.(message);
        this.#answers.delete(message.call);
      }
    });
  }

  /** Starts the process. Its plugins are started by the command. */
  static async spawn(options: HostOptions, how: HostProcess = {}): Promise<RunningHost> {
    const directory = await TemporaryDirectory.make();
    const command = [process.execPath, program("fault-host.js"), JSON.stringify(options)];
    const limited =
      how.descriptorsMax === undefined
        ? command
        : ["/bin/sh", "-c", `ulimit -n ${how.descriptorsMax}; exec "$@"`, "sh", ...command];
    const [file = "", ...args] = limited;
    const [stdout, stderr] = how.outputs ?? ["ignore", "ignore"];
    const stdio: StdioOptions = ["ignore", stdout, stderr, "ipc"];
    const env = { ...process.env, TMPDIR: directory.path };
    const child = spawn(file, args, { stdio, env });
    const exited = once(child, "exit").then(([code, signal]) => {
      throw new Error(`the host ended (${signal ?? code}) before it listened`);
    });
    const [ports] = (await Promise.race([once(child, "message"), exited])) as [
      FromHost & { kind: "listening" },
    ];
    exited.catch(() => undefined);
    return new RunningHost(child, directory, ports);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Whether its process runs. */
  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /**
   * Runs a command in the host. Resolves with its plugins when the command is done.
   *
   * @throws Error why the command failed, or that the host is gone
   */
  async tell(command: HostCommand): Promise<readonly SentStatus[]> {
    this.#calls += 1;
    const call = this.#calls;
    const answered = new Promise<FromHost & { kind: "answer" }>((resolve, reject) => {
      this.#answers.set(call, resolve);
      void this.#exited.then(() => reject(new Error("the host has ended")));
    });
    this.process.send({ call, command });
    const { error, plugins } = await answered;
    if (error !== undefined) {
      throw new Error(`${command.name}: ${error}`);
    }
    return plugins;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isAlive) {
      // It stops its plugins, and ends.
      this.process.disconnect();
      await this.#exited;
    }
    await this.#directory[Symbol.asyncDispose]();
  }
}
