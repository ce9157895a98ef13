import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "@servehttp/testkit";

const bin = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));

/** The command in a process of its own, as it was built. */
export class CommandProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  /** Settles with the exit code; null: it was killed. */
  readonly ended: Promise<number | null>;
  stdout = "";
  stderr = "";

  constructor(
    commandLine: readonly string[],
    options: {
      readonly cwd: string;
      readonly environment: Readonly<Record<string, string | undefined>>;
    },
  ) {
    const { cwd, environment: env } = options;
    this.child = spawn(process.execPath, [bin, ...commandLine], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(this.child, "exit").then(([code]) => code as number | null);
  }

  /** Resolves when the standard output matches, to what it matched. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    await until(() => {
      found = pattern.exec(this.stdout);
      return found !== null || this.child.exitCode !== null;
    }, `${pattern}`);
    if (found === null) {
      throw new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGTERM");
      this.child.kill("SIGTERM");
      await this.ended;
    }
  }
}
