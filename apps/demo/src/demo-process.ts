import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
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

const demo = fileURLToPath(new URL("../", import.meta.url));
const command = fileURLToPath(import.meta.resolve("servehttp")).replace(/index\.js$/, "bin.js");

/** How many plugins it has. */
const pluginsCount = 6;

/**
 * Starts the demo, as `npm start` does, on a free port unless these arguments say otherwise; rejects
 * where it doesn't come up.
 *
 * @param dataDirectory where uploads are kept; a temporary one otherwise
 */
export async function startDemoProcess(dataDirectory?: string): Promise<DemoProcess> {
  const { PORT: _, DEMO_DATA: __, ...environment } = process.env;
  const started = spawn(process.execPath, [...leanNodeFlags, command], {
    cwd: demo,
    env: { ...environment, ...(dataDirectory !== undefined && { DEMO_DATA: dataDirectory }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(started, "exit") as Promise<[number | null]>;
  let url: string | undefined;
  let ready = 0;
  for await (const line of createInterface(started.stdout)) {
    url ??= /^listening on (\S+)$/.exec(line)?.[1];
    ready += / {2}READY {3}/.test(line) ? 1 : 0;
    if (url !== undefined && ready === pluginsCount && started.pid !== undefined) {
      // Nobody reads what it prints later, and it must not fill the pipe.
      started.stdout.resume();
      const end = async (signal: NodeJS.Signals) => {
        started.kill(signal);
        return (await ended)[0];
      };
      return {
        url: `${url}/`,
        pid: started.pid,
        end,
        [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
      };
    }
  }
  throw new Error(`the demo ended with ${(await ended)[0]} before it was ready`);
}
