import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, dirname } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ProgramDirectory } from "./program-directory.js";

const preload = fileURLToPath(new URL("../../dist/hosts/listen-on-any-port.js", import.meta.url));

/** A program of the docs in a process of its own, in a directory with the files that it names. */
export class RunningProgram implements AsyncDisposable {
  /** The port that it has in place of 8080. */
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: ProgramDirectory;
  readonly #output: ProgramOutput;

  private constructor(
    child: ChildProcess,
    directory: ProgramDirectory,
    output: ProgramOutput,
    port: number,
  ) {
    this.#child = child;
    this.#directory = directory;
    this.#output = output;
    this.port = port;
  }

  /**
   * Starts a program, with `notes.js` beside it; resolves when it listens.
   *
   * @param code an ES module that listens on 8080
   * @param files further files by their names
   * @throws Error with its output when it ends before it listens
   */
  static async start(
    code: string,
    files: Readonly<Record<string, string>> = {},
  ): Promise<RunningProgram> {
    const directory = await ProgramDirectory.create({
      "notes.js": `import "../hosts/notes-plugin.js";\n`,
      ...files,
      "program.js": code,
    });
    const child = spawn(process.execPath, ["--import", preload, "program.js"], {
      cwd: directory.path,
      // The `node` of their commands is the one that runs this test.
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = new ProgramOutput(child.stdout);
    return new RunningProgram(child, directory, output, await output.port());
  }

  /** How many servers of it listen, or did: in a cluster, one in each worker, and one in the primary. */
  get servers(): number {
    return this.#output.ports.length;
  }

  /** Where it runs, with `notes.js` beside it. */
  get directory(): string {
    return this.#directory.path;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal, and resolves with the code with which the program then exits. */
  async exitCodeAfter(signal: NodeJS.Signals): Promise<number | null> {
    const exited = once(this.#child, "exit") as Promise<[number | null]>;
    this.#child.kill(signal);
    return (await exited)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, "exit");
    // A program with an exit code has ended by itself.
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.kill()) {
      await exited;
    }
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** What a program prints. */
class ProgramOutput {
  readonly #stream: Readable;
  #text = "";

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.setEncoding("utf8").on("data", (text: string) => (this.#text += text));
  }

  /** On which ports it listens, or did. */
  get ports(): readonly number[] {
    return [...this.#text.matchAll(/^port (\d+)$/gm)].map(([, port]) => Number(port));
  }

  /** Resolves with the first of them. */
  async port(): Promise<number> {
    const ended = once(this.#stream, "end").then(() => true);
    for (;;) {
      const [first] = this.ports;
      if (first !== undefined) {
        return first;
      }
      // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
      if ((await Promise.race([once(this.#stream, "data"), ended])) === true) {
        throw new Error(`the program ended before it listened: ${this.#text}`);
      }
    }
  }
}
