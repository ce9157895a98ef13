import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { ShippedPods } from "./shipped-pods.js";

/** A process, and how it says where it is. */
export interface PodProgram {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Finds in a line of its standard output where it takes requests, and where it is probed. */
  readonly serves: RegExp;
  readonly isProbed: RegExp;
  /** A descriptor for its log. */
  readonly log: number;
}

/** What Kubernetes knows of a pod. */
export interface PodState {
  /** `host:port`. */
  readonly address: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
}

/** One process, treated as the kubelet treats a pod. */
export class Pod {
  readonly #child: ChildProcess;
  readonly #shipped: ShippedPods;
  readonly #onChange: () => void;
  readonly #exited: Promise<unknown>;
  #address = "";
  #probed = "";
  #isReady = false;
  #isTerminating = false;
  #timer: NodeJS.Timeout | undefined;
  /** It had to be killed, because it did not end in time. */
  wasKilled = false;

  private constructor(program: PodProgram, shipped: ShippedPods, onChange: () => void) {
    const { args, cwd, env, log } = program;
    this.#shipped = shipped;
    this.#onChange = onChange;
    this.#child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", log] });
    this.#exited = once(this.#child, "exit");
  }

  /** Starts one. Resolves when it has said where it listens; it is not ready yet. */
  static async start(
    program: PodProgram,
    shipped: ShippedPods,
    onChange: () => void,
  ): Promise<Pod> {
    const pod = new Pod(program, shipped, onChange);
    for await (const line of createInterface({
      input: pod.#child.stdout as NodeJS.ReadableStream,
    })) {
      pod.#address ||= program.serves.exec(line)?.[1] ?? "";
      pod.#probed ||= program.isProbed.exec(line)?.[1] ?? "";
      if (pod.#address !== "" && pod.#probed !== "") {
        break;
      }
    }
    pod.#child.stdout?.resume();
    void pod.#probe();
    return pod;
  }

  get state(): PodState {
    return {
      address: this.#address,
      isReady: this.#isReady,
      isTerminating: this.#isTerminating,
    };
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Looks again and again whether it is ready, as long as it lives. */
  async #probe(): Promise<void> {
    const { probeFailures, probePath, probeSeconds } = this.#shipped;
    let failures = 0;
    while (!this.#isOver) {
      const isGood = await (probePath === undefined
        ? listens(this.#probed)
        : answers(`http://${this.#probed}${probePath}`));
      failures = isGood ? 0 : failures + 1;
      const isReady = isGood || (this.#isReady && failures < probeFailures);
      if (isReady !== this.#isReady) {
        this.#isReady = isReady;
        this.#onChange();
      }
      await delay(probeSeconds * 1_000);
    }
  }

  /**
   * Ends it: it is terminating from now on, gets SIGTERM behind the preStop hook, and SIGKILL when its
   * grace is over. Resolves when it has ended.
   */
  async end(): Promise<void> {
    const { graceSeconds, preStopSeconds } = this.#shipped;
    this.#isTerminating = true;
    this.#onChange();
    this.#timer = setTimeout(() => {
      this.wasKilled = true;
      this.#child.kill("SIGKILL");
    }, graceSeconds * 1_000);
    await delay(preStopSeconds * 1_000);
    if (!this.#isOver) {
      this.#child.kill("SIGTERM");
      await this.#exited;
    }
    clearTimeout(this.#timer);
    this.#isReady = false;
    this.#onChange();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { headers: { connection: "close" } });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
