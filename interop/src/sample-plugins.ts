import { buildGoPlugin, reasonWithoutGo } from "./go-peer.js";
import { preparePython } from "./python-peer.js";
import { repositoryRoot } from "./repository-root.js";
import { buildTonicPlugin, reasonWithoutTonic } from "./tonic-peer.js";

/** The stacks with a plugin that answers what plugins/example-handler.ts lists. */
export const sampleStacks = [
  "connect-node",
  "grpc-js",
  "gRPC-python",
  "grpc-go",
  "connect-go",
  "tonic",
] as const;

export type SampleStack = (typeof sampleStacks)[number];

/** How to run a plugin: the command, and what it needs in its environment. */
export interface SamplePlugin {
  readonly command: string[];
  readonly env?: Record<string, string>;
}

/** Builds the plugin on a stack; what is built for one run goes into a directory. */
export async function prepareSample(stack: SampleStack, directory: string): Promise<SamplePlugin> {
  switch (stack) {
    case "connect-node":
    case "grpc-js": {
      const script = `${repositoryRoot}interop/dist/plugins/${stack}-plugin.js`;
      return { command: [process.execPath, script] };
    }
    case "gRPC-python": {
      const { python, env } = await preparePython(directory);
      return { command: [python, `${repositoryRoot}interop/python/plugin.py`], env };
    }
    case "grpc-go":
      return { command: [await buildGoPlugin("go", directory)] };
    case "connect-go":
      return { command: [await buildGoPlugin("connect-go", directory)] };
    case "tonic":
      return { command: [await buildTonicPlugin()] };
  }
}

/** Those that this machine can build. Says of the others why it can't. */
export async function buildableSamples(): Promise<readonly SampleStack[]> {
  const reasons: Partial<Record<SampleStack, string | undefined>> = {
    "grpc-go": await reasonWithoutGo("go"),
    "connect-go": await reasonWithoutGo("connect-go"),
    tonic: await reasonWithoutTonic(),
  };
  return sampleStacks.filter((stack) => {
    const reason = reasons[stack];
    if (reason !== undefined) {
      console.log(`${stack} is left out: ${reason}`);
    }
    return reason === undefined;
  });
}
