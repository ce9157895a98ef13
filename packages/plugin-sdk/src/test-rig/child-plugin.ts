import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { TemporaryDirectory, until } from "@servehttp/testkit";

/** The built package: a process of its own can't run what vitest compiles. */
const sdk = new URL("../../dist/bundle/index.js", import.meta.url).href;

const script = (behindTheCall: string) => `
import { servePlugin } from ${JSON.stringify(sdk)};
const serving = servePlugin({
  async serveHTTP(request, response) {
    for await (const chunk of request.body) await response.write(chunk);
  },
});
${behindTheCall}
const plugin = await serving;
console.log(plugin.address);
// An application keeps its process alive by more than its plugin.
setInterval(() => undefined, 1_000);
`;

/**
 * A plugin that runs in a process of its own: it echoes, and prints its address when it is ready.
 */
export class ChildPlugin implements AsyncDisposable {
  stdout = "";
  stderr = "";
  /** `[code, signal]`, once it is gone and its output read. */
  ended: readonly [number | null, NodeJS.Signals | null] | undefined;
  readonly directory: TemporaryDirectory;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, directory: TemporaryDirectory) {
    this.#child = child;
    this.directory = directory;
    child.stdout?.on("data", (text: Buffer) => {
      this.stdout += text.toString();
    });
    child.stderr?.on("data", (text: Buffer) => {
      this.stderr += text.toString();
    });
    child.once("close", (code, signal) => {
      this.ended = [code, signal];
    });
  }

  /**
   * Of the arguments and the environment, "DIRECTORY" becomes the directory that the child has for
   * itself.
   *
   * @param behindTheCall what the program does right behind its call of `servePlugin`
   */
  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    behindTheCall = "",
  ): Promise<ChildPlugin> {
    const directory = await TemporaryDirectory.make();
    writeFileSync(directory.at("plugin.mjs"), script(behindTheCall));
    const placed = (text: string) => text.replace("DIRECTORY", directory.path);
    const child = spawn(process.execPath, ["plugin.mjs", ...args.map(placed)], {
      cwd: directory.path,
      env: Object.fromEntries(
        Object.entries(env).map(([name, value]) => [name, placed(value)] as const),
      ),
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    return new ChildPlugin(child, directory);
  }

  /** Its address, when it accepts exchanges. */
  async untilReady(): Promise<string> {
    await until(() => this.stdout.includes("\n") || this.ended !== undefined, "the address");
    if (this.ended !== undefined) {
      throw new Error(`it ended: ${this.stderr}`);
    }
    return this.stdout.trim();
  }

  async untilEnded(): Promise<readonly [number | null, NodeJS.Signals | null]> {
    await until(() => this.ended !== undefined, "the end of the process");
    return this.ended ?? [null, null];
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** What the kernel does when the host is gone. */
  closeHostPipe(): void {
    (this.#child.stdio[3] as Writable).destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGKILL");
      await once(this.#child, "exit");
    }
    await this.directory[Symbol.asyncDispose]();
  }
}
