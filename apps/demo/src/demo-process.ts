import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { leanNodeFlags } from "./lean-node-flags.js";

/** The demo as a process of its own. Disposing of it ends it with SIGTERM and waits. */
export interface DemoProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  readonly pid: number;
  /**
   * Sends a signal, and resolves to the exit code when the process has ended; null where the signal
   * ended it.
   */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** A demo that did not start: what it printed and how it ended. */
export interface FailedStart {
  readonly exitCode: number | null;
  readonly stderr: string;
}

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

const addressLine = /^servehttp demo: (http:\/\/127\.0\.0\.1:\d+\/)$/;

/**
 * Starts the built demo with these arguments; rejects with what it said where it doesn't come up.
 */
export async function startDemoProcess(...args: string[]): Promise<DemoProcess> {
  const demo = spawn(process.execPath, [...leanNodeFlags, main, ...args], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(demo, "exit") as Promise<[number | null]>;
  for await (const line of createInterface(demo.stdout)) {
    const url = addressLine.exec(line)?.[1];
    if (url !== undefined && demo.pid !== undefined) {
      // Nobody reads what it prints later, and it must not fill the pipe.
      demo.stdout.resume();
      const end = async (signal: NodeJS.Signals) => {
        demo.kill(signal);
        return (await ended)[0];
      };
      return {
        url,
        pid: demo.pid,
        end,
        [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
      };
    }
  }
  throw new Error(`the demo ended with ${(await ended)[0]} before it told its address`);
}

/** Runs the built demo with arguments that it is to refuse, and waits until it has. */
export async function failDemoProcess(...args: string[]): Promise<FailedStart> {
  const demo = spawn(process.execPath, [...leanNodeFlags, main, ...args], {
    env: environment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [stderr, [exitCode]] = await Promise.all([
    text(demo.stderr),
    once(demo, "exit") as Promise<[number | null]>,
  ]);
  return { exitCode, stderr };
}

/** Without PORT, which was set for another program. */
function environment(): NodeJS.ProcessEnv {
  const { PORT: _, ...rest } = process.env;
  return rest;
}
