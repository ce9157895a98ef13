import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Pod } from "./pod.js";
import { podPort } from "./pod.js";
import { ended } from "./test-cluster.js";
import { until } from "./until.js";

const bin = fileURLToPath(new URL("../../../cli/dist/bin.js", import.meta.url));

/** A record of the host's log, as far as it is read here. */
interface LogRecord {
  readonly time: number;
  readonly level: number;
  readonly msg: string;
  readonly come?: readonly string[];
  readonly gone?: readonly string[];
}

/** The command, in a pod of its own, whose log says what it knows of the plugin's addresses. */
export class LoggedHost implements AsyncDisposable {
  /** Of the plugin. */
  readonly url: string;
  /** How often the addresses have changed. */
  changes = 0;
  readonly #process: ChildProcess;
  readonly #messages: string[] = [];
  readonly #known = new Set<string>();
  #changedAtMs = 0;

  constructor(port: number, environment: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}/plugins/search/`;
    const flags = ["--plugin", "search=kubernetes:///search.plugins:grpc", "--port", `${port}`];
    this.#process = spawn(process.execPath, [bin, ...flags, "--log", "json"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...environment,
        KUBECONFIG: "",
        HOME: "/nonexistent",
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: "6443",
        XDG_RUNTIME_DIR: "/run",
      },
    });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      void this.#read(output as NodeJS.ReadableStream);
    }
  }

  /** Waits for a record of the log. */
  async says(text: string): Promise<void> {
    const isSaid = () => this.#messages.some((message) => message.includes(text));
    await until(isSaid, `the host says "${text}"`);
  }

  /** Waits until it knows the addresses of these and not of those. Says how long it took. */
  async follows(these: readonly Pod[], those: readonly Pod[], sinceMs: number): Promise<string> {
    const isKnown = ({ address }: Pod) => this.#known.has(`http://${address}:${podPort}`);
    await until(() => these.every(isKnown) && !those.some(isKnown), "the host follows");
    return `follows after ${Math.max(0, this.#changedAtMs - sinceMs)} ms`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await ended(this.#process, "SIGTERM");
  }

  async #read(output: NodeJS.ReadableStream): Promise<void> {
    for await (const line of createInterface({ input: output })) {
      if (!line.startsWith("{")) {
        continue;
      }
      const { come, gone, level, msg, time } = JSON.parse(line) as LogRecord;
      this.#messages.push(msg);
      if (level >= 40) {
        console.error(`host: ${msg}`);
      }
      if (come !== undefined && gone !== undefined) {
        come.forEach((url) => this.#known.add(url));
        gone.forEach((url) => this.#known.delete(url));
        this.changes += 1;
        this.#changedAtMs = time;
      }
    }
  }
}
