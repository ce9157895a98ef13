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
  /** How many servers of it listen, or did. */
  servers = 1;
  readonly #child: ChildProcess;
  readonly #directory: ProgramDirectory;

  private constructor(child: ChildProcess, directory: ProgramDirectory, port: number) {
    this.#child = child;
    this.#directory = directory;
    this.port = port;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.servers += chunk.toString().match(/^port \d+$/gm)?.length ?? 0;
    });
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
    return new RunningProgram(child, directory, await portOf(child.stdout));
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

async function portOf(output: Readable): Promise<number> {
  let text = "";
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const port = /^port (\d+)$/m.exec(text)?.[1];
    if (port !== undefined) {
      output.resume();
      return Number(port);
    }
  }
  throw new Error(`the program ended before it listened: ${text}`);
}
