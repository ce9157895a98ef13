import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ObservationServer } from "../observation/observation-server.js";
import type { Target } from "./target.js";
import type { TargetName } from "./target-names.js";

/** The ports of a target's front process, as it reports them in its hello. */
interface Ports {
  readonly http1Port: number;
  readonly http2Port: number;
  readonly mountedPort?: number;
  readonly disabledPort?: number;
}

/** What a target has in addition to the usual. */
export interface TargetNeeds {
  /** The plugin a second time, with short time-outs, as `/plugins/impatient`. */
  readonly impatient?: boolean;
  /** The plugin again, with the options that say where it is: `mounts.ts`. */
  readonly mounts?: boolean;
  /** Flags for Node in the target's processes, after `--expose-gc`. Default: none. */
  readonly nodeFlags?: readonly string[];
}

/** Starts a target: its processes run from this package's `dist`. */
export async function startTarget(name: TargetName, needs: TargetNeeds = {}): Promise<Target> {
  const bridged = name !== "direct";
  const observation = await ObservationServer.listen();
  const front = bridged ? "conformance-host" : "direct-server";
  const script = fileURLToPath(new URL(`../../dist/processes/${front}.js`, import.meta.url));
  const flags = ["--expose-gc", ...(needs.nodeFlags ?? [])];
  const args = [
    ...flags,
    script,
    observation.path,
    name,
    needs.impatient === true ? "impatient" : "",
    needs.mounts === true ? "mounts" : "",
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const log: string[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    log.push(...lines);
  });
  const exited = once(child, "exit");
  const frontRole = bridged ? "host" : "direct";
  const pluginRole = bridged ? "plugin" : "direct";
  const hello = await Promise.race([
    observation.process(frontRole),
    exited.then(([code]) => {
      throw new Error(`${front} exited with ${String(code)} before it was ready`);
    }),
  ]);
  return {
    name,
    bridged,
    mountedPort: 0,
    disabledPort: 0,
    ...(hello.detail as Ports),
    base: bridged ? "/plugins/conformance" : "",
    observation,
    front: () => observation.process(frontRole),
    plugin: () => observation.process(pluginRole),
    log,
    async [Symbol.asyncDispose]() {
      // The processes end when the observation socket closes.
      await observation[Symbol.asyncDispose]();
      await exited;
    },
  };
}
