import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type NetConnectOpts } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** How long a program may take until it listens. */
const startMsMax = 120_000;

/** How much of its output is kept for an error. */
const outputCharactersMax = 4_000;

/** A program that listens somewhere: a host, or a proxy. */
export class ServedProgram implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /**
   * Starts it. Resolves when it takes connections at an address.
   *
   * @throws Error with its output where it ends before, or takes too long
   */
  static async start(
    [program, ...args]: readonly [string, ...string[]],
    options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv | undefined },
    address: NetConnectOpts,
  ): Promise<ServedProgram> {
    const { cwd, env = process.env } = options;
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output = (output + String(chunk)).slice(-outputCharactersMax);
      });
    }
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    const served = new ServedProgram(child);
    const deadlineMs = performance.now() + startMsMax;
    // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
    while (!(await takesConnections(address))) {
      if (failure !== undefined || child.exitCode !== null || performance.now() > deadlineMs) {
        // oxlint-disable-next-line no-await-in-loop
        await served[Symbol.asyncDispose]();
        throw new Error(`${program} does not listen: ${failure?.message ?? output}`);
      }
      // oxlint-disable-next-line no-await-in-loop
      await delay(50);
    }
    return served;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return;
    }
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(killing);
  }
}

async function takesConnections(address: NetConnectOpts): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
