import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ObservationServer } from "../observation/observation-server.js";

/** A host whose plugins call each other, in processes of their own. */
export interface CallScene extends AsyncDisposable {
  readonly observation: ObservationServer;
  /** The host's port. */
  readonly port: number;
  /** Asks the plugin `caller`, or the one that a whole path names. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The lines that the host has logged so far. */
  readonly log: readonly string[];
}

/** Starts the host and its plugins on a carrier. */
export async function startCallScene(carrier: "mux" | "stream"): Promise<CallScene> {
  const observation = await ObservationServer.listen();
  const script = fileURLToPath(new URL("../../dist/processes/call-host.js", import.meta.url));
  // Without the second flag, garbage fills a process up to some 60 MiB, on plain `node:http` as well.
  const flags = ["--expose-gc", "--max-semi-space-size=1"];
  const child = spawn(process.execPath, [...flags, script, observation.path, carrier], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const log: string[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    log.push(...lines);
  });
  const hello = await Promise.race([
    observation.process("host"),
    exited.then(() => {
      throw new Error(`the host has ended:\n${log.join("\n")}`);
    }),
  ]);
  const { port } = hello.detail as { port: number };
  return {
    observation,
    port,
    log,
    ask: (path, init) => fetch(new URL(path, `http://127.0.0.1:${port}/plugins/caller/`), init),
    async [Symbol.asyncDispose]() {
      // The processes end when the observation socket closes.
      await observation[Symbol.asyncDispose]();
      await exited;
    },
  };
}
